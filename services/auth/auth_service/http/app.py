"""auth's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from auth_service import model as domain
from auth_service.container import Auth, bootstrap
from kv_common.auth.bearer import authenticate
from kv_common.http import Api, Request, Response, json_response, no_content
from kv_common.http.health import add_health
from kv_common.lazy import lazy_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from auth_service.http import request_models, response_models
    from kv_common.auth.verifier import AccessToken
else:
    # pydantic comes with it.
    response_models = lazy_module("auth_service.http.response_models")

REQUESTS = "auth_service.http.request_models"
RESPONSES = "auth_service.http.response_models"
STATUS = "kv_common.http.models:OperationStatus"


def create_app(make: Callable[[], Auth] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("auth")
    auth = cache(make)
    _add_sign_up(app, auth)
    _add_sessions(app, auth)
    _add_account(app, auth)
    _add_keys(app, auth)
    _add_public(app, auth)
    return app


def _add_sign_up(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/auth/signup", methods=["POST"], body=f"{REQUESTS}:SignUp", responses={201: STATUS})
    def sign_up(_: Request, *, body: request_models.SignUp) -> Response:
        auth().identity.sign_up(body.email, body.password)
        return json_response({"status": "confirmation_required"}, 201)

    @app.route("/v1/auth/confirm", methods=["POST"], body=f"{REQUESTS}:Confirm", responses={200: STATUS})
    def confirm(_: Request, *, body: request_models.Confirm) -> Response:
        auth().identity.confirm(body.email, body.code)
        return json_response({"status": "confirmed"})

    @app.route("/v1/auth/resend", methods=["POST"], body=f"{REQUESTS}:EmailAddress", responses={204: None})
    def resend(_: Request, *, body: request_models.EmailAddress) -> Response:
        auth().identity.resend(body.email)
        return no_content()

    @app.route("/v1/auth/forgot-password", methods=["POST"], body=f"{REQUESTS}:EmailAddress", responses={204: None})
    def forgot_password(_: Request, *, body: request_models.EmailAddress) -> Response:
        auth().identity.forgot_password(body.email)
        return no_content()

    @app.route("/v1/auth/reset-password", methods=["POST"], body=f"{REQUESTS}:ResetPassword", responses={204: None})
    def reset_password(_: Request, *, body: request_models.ResetPassword) -> Response:
        auth().identity.reset_password(body.email, body.code, body.password)
        return no_content()


def _add_sessions(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/auth/login", methods=["POST"], body=f"{REQUESTS}:LogIn", responses={200: f"{RESPONSES}:Tokens"})
    def log_in(request: Request, *, body: request_models.LogIn) -> Response:
        tokens = auth().accounts.log_in(
            body.email, domain.given_password(body.password), correlation_id=request.correlation_id
        )
        return json_response(response_models.Tokens.of(tokens))

    @app.route("/v1/auth/refresh", methods=["POST"], body=f"{REQUESTS}:Session", responses={200: f"{RESPONSES}:Tokens"})
    def refresh(_: Request, *, body: request_models.Session) -> Response:
        tokens = auth().identity.refresh(domain.refresh_token(body.refresh_token))
        return json_response(response_models.Tokens.of(tokens))

    @app.route("/v1/auth/logout", methods=["POST"], body=f"{REQUESTS}:Session", responses={204: None})
    def log_out(_: Request, *, body: request_models.Session) -> Response:
        auth().identity.log_out(domain.refresh_token(body.refresh_token))
        return no_content()


def _add_account(app: Api, auth: Callable[[], Auth]) -> None:
    def session(request: Request) -> AccessToken:
        """Return the caller's access token, whether or not the account still exists."""
        return authenticate(request, auth().verify_token)

    @app.route("/v1/auth/me", methods=["GET"], caller=session, responses={200: f"{RESPONSES}:Account"})
    def me(request: Request, *, caller: AccessToken) -> Response:  # noqa: ARG001
        account, email_verified = auth().accounts.profile(
            request.bearer_token() or "", correlation_id=request.correlation_id
        )
        return json_response(response_models.Account.of(account, email_verified=email_verified))

    @app.route("/v1/auth/me", methods=["DELETE"], caller=session, responses={202: STATUS})
    def delete_me(request: Request, *, caller: AccessToken) -> Response:
        auth().accounts.delete(
            request.bearer_token() or "",
            signed_in_at_s=caller.claims.get("auth_time"),
            correlation_id=request.correlation_id,
        )
        return json_response({"status": "deleting"}, 202)


def _add_keys(app: Api, auth: Callable[[], Auth]) -> None:
    def owner(request: Request) -> str:
        """Return the id of the caller's account, which must not have been deleted."""
        account_id = authenticate(request, auth().verify_token).account_id
        auth().accounts.require_open(account_id)
        return account_id

    @app.route(
        "/v1/api-keys",
        methods=["POST"],
        caller=owner,
        body=f"{REQUESTS}:CreateApiKey",
        body_required=False,
        responses={201: f"{RESPONSES}:IssuedApiKey"},
    )
    def create_key(request: Request, *, caller: str, body: request_models.CreateApiKey) -> Response:
        now_ms = auth().now_ms()
        key, text = auth().keys.create(caller, body.settings(now_ms), correlation_id=request.correlation_id)
        return json_response(response_models.IssuedApiKey.issued(key, text, now_ms), 201)

    @app.route("/v1/api-keys", methods=["GET"], caller=owner, responses={200: f"{RESPONSES}:ApiKeys"})
    def list_keys(_: Request, *, caller: str) -> Response:
        return json_response(response_models.ApiKeys.of(auth().keys.all(caller), auth().now_ms()))

    @app.route("/v1/api-keys/{key_id}", methods=["GET"], caller=owner, responses={200: f"{RESPONSES}:ApiKey"})
    def get_key(_: Request, key_id: str, *, caller: str) -> Response:
        key = auth().keys.get(caller, domain.key_id(key_id))
        return json_response(response_models.ApiKey.of(key, auth().now_ms()))

    @app.route(
        "/v1/api-keys/{key_id}",
        methods=["PATCH"],
        caller=owner,
        body=f"{REQUESTS}:UpdateApiKey",
        responses={200: f"{RESPONSES}:ApiKey"},
    )
    def change_key(_: Request, key_id: str, *, caller: str, body: request_models.UpdateApiKey) -> Response:
        now_ms = auth().now_ms()
        key = auth().keys.change(caller, domain.key_id(key_id), lambda settings: body.applied_to(settings, now_ms))
        return json_response(response_models.ApiKey.of(key, now_ms))

    @app.route("/v1/api-keys/{key_id}", methods=["DELETE"], caller=owner, responses={204: None})
    def delete_key(request: Request, key_id: str, *, caller: str) -> Response:
        auth().keys.delete(caller, domain.key_id(key_id), correlation_id=request.correlation_id)
        return no_content()

    @app.route(
        "/v1/api-keys/{key_id}/rotate",
        methods=["POST"],
        caller=owner,
        body=f"{REQUESTS}:RotateApiKey",
        responses={201: f"{RESPONSES}:IssuedApiKey"},
    )
    def rotate_key(request: Request, key_id: str, *, caller: str, body: request_models.RotateApiKey) -> Response:
        key, text = auth().keys.rotate(
            caller, domain.key_id(key_id), body.grace_seconds * 1000, correlation_id=request.correlation_id
        )
        return json_response(response_models.IssuedApiKey.issued(key, text, auth().now_ms()), 201)


def _add_public(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/auth/config", methods=["GET"], responses={200: f"{RESPONSES}:UserPool"})
    def config(_: Request) -> Response:
        pool = response_models.UserPool.of(auth().settings)
        return json_response(pool, headers={"Cache-Control": "public, max-age=300"})

    add_health(app, "auth", lambda: auth().check())
