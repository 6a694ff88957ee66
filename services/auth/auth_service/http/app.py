"""auth's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from auth_service import model as domain
from auth_service.container import Auth, bootstrap
from auth_service.http import request_models
from auth_service.http import responses as presentation
from kv_common.http import Api, Request, Response, authenticate, json_response, no_content
from kv_common.http.health import add_health
from kv_common.json.strict import Model, decode_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.auth.verifier import AccessToken


def create_app(make: Callable[[], Auth] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("auth")
    auth = cache(make)
    _add_sign_up(app, auth)
    _add_sessions(app, auth)
    _add_keys(app, auth)
    _add_public(app, auth)
    return app


def _add_sign_up(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/auth/signup", methods=["POST"])
    def sign_up(request: Request) -> Response:
        body = _body(request, request_models.SignUp)
        auth().identity.sign_up(domain.email(body.email), domain.password(body.password))
        return json_response({"status": "confirmation_required"}, 201)

    @app.route("/v1/auth/confirm", methods=["POST"])
    def confirm(request: Request) -> Response:
        body = _body(request, request_models.Confirm)
        auth().identity.confirm(domain.email(body.email), domain.code(body.code))
        return json_response({"status": "confirmed"})

    @app.route("/v1/auth/resend", methods=["POST"])
    def resend(request: Request) -> Response:
        auth().identity.resend(domain.email(_body(request, request_models.EmailAddress).email))
        return no_content()

    @app.route("/v1/auth/forgot-password", methods=["POST"])
    def forgot_password(request: Request) -> Response:
        auth().identity.forgot_password(domain.email(_body(request, request_models.EmailAddress).email))
        return no_content()

    @app.route("/v1/auth/reset-password", methods=["POST"])
    def reset_password(request: Request) -> Response:
        body = _body(request, request_models.ResetPassword)
        auth().identity.reset_password(domain.email(body.email), domain.code(body.code), domain.password(body.password))
        return no_content()


def _add_sessions(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/auth/login", methods=["POST"])
    def log_in(request: Request) -> Response:
        body = _body(request, request_models.LogIn)
        tokens = auth().accounts.log_in(
            domain.email(body.email), domain.given_password(body.password), correlation_id=request.correlation_id
        )
        return json_response(presentation.show_tokens(tokens))

    @app.route("/v1/auth/refresh", methods=["POST"])
    def refresh(request: Request) -> Response:
        token = domain.refresh_token(_body(request, request_models.Session).refresh_token)
        return json_response(presentation.show_tokens(auth().identity.refresh(token)))

    @app.route("/v1/auth/logout", methods=["POST"])
    def log_out(request: Request) -> Response:
        token = domain.refresh_token(_body(request, request_models.Session).refresh_token)
        auth().identity.log_out(token)
        return no_content()

    @app.route("/v1/auth/me", methods=["GET"])
    def me(request: Request) -> Response:
        _session(request, auth())
        account, email_verified = auth().accounts.profile(
            request.bearer_token() or "", correlation_id=request.correlation_id
        )
        return json_response(presentation.show_account(account, email_verified=email_verified))

    @app.route("/v1/auth/me", methods=["DELETE"])
    def delete_me(request: Request) -> Response:
        session = _session(request, auth())
        auth().accounts.delete(
            request.bearer_token() or "",
            signed_in_at_s=session.claims.get("auth_time"),
            correlation_id=request.correlation_id,
        )
        return json_response({"status": "deleting"}, 202)


def _add_keys(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/api-keys", methods=["POST"])
    def create_key(request: Request) -> Response:
        account_id = _owner(request, auth())
        body = decode_object(request.body or b"{}", request_models.CreateApiKey)
        key, text = auth().keys.create(
            account_id, presentation.read_settings(body, auth().now_ms()), correlation_id=request.correlation_id
        )
        return json_response({"key": text, **presentation.show_key(key, auth().now_ms())}, 201)

    @app.route("/v1/api-keys", methods=["GET"])
    def list_keys(request: Request) -> Response:
        account_id = _owner(request, auth())
        now_ms = auth().now_ms()
        return json_response({"api_keys": [presentation.show_key(key, now_ms) for key in auth().keys.all(account_id)]})

    @app.route("/v1/api-keys/{key_id}", methods=["GET"])
    def get_key(request: Request, key_id: str) -> Response:
        account_id = _owner(request, auth())
        key = auth().keys.get(account_id, domain.key_id(key_id))
        return json_response(presentation.show_key(key, auth().now_ms()))

    @app.route("/v1/api-keys/{key_id}", methods=["PATCH"])
    def change_key(request: Request, key_id: str) -> Response:
        account_id = _owner(request, auth())
        change = _body(request, request_models.UpdateApiKey)
        now_ms = auth().now_ms()
        key = auth().keys.change(
            account_id,
            domain.key_id(key_id),
            lambda settings: presentation.changed_settings(settings, change, now_ms),
        )
        return json_response(presentation.show_key(key, now_ms))

    @app.route("/v1/api-keys/{key_id}", methods=["DELETE"])
    def delete_key(request: Request, key_id: str) -> Response:
        account_id = _owner(request, auth())
        auth().keys.delete(account_id, domain.key_id(key_id), correlation_id=request.correlation_id)
        return no_content()

    @app.route("/v1/api-keys/{key_id}/rotate", methods=["POST"])
    def rotate_key(request: Request, key_id: str) -> Response:
        account_id = _owner(request, auth())
        grace_ms = domain.grace(_body(request, request_models.RotateApiKey).grace_seconds)
        key, text = auth().keys.rotate(
            account_id, domain.key_id(key_id), grace_ms, correlation_id=request.correlation_id
        )
        return json_response({"key": text, **presentation.show_key(key, auth().now_ms())}, 201)


def _add_public(app: Api, auth: Callable[[], Auth]) -> None:
    @app.route("/v1/auth/config", methods=["GET"])
    def config(request: Request) -> Response:
        request.query(allowed=())
        settings = auth().settings
        body = {
            "region": settings.region,
            "user_pool_id": settings.user_pool_id,
            "client_id": settings.client_id,
            "issuer": settings.token_issuer,
            "hosted_ui_domain": settings.hosted_ui_domain,
        }
        return json_response(body, headers={"Cache-Control": "public, max-age=300"})

    add_health(app, "auth", lambda: auth().check())


def _session(request: Request, auth: Auth) -> AccessToken:
    """Return the session that the request belongs to, whether or not its account is still there."""
    session = authenticate(request, auth.verify_token)
    request.query(allowed=())
    return session


def _owner(request: Request, auth: Auth) -> str:
    """Return the account whose session the request belongs to; it must not have been deleted."""
    account_id = _session(request, auth).account_id
    auth.accounts.require_open(account_id)
    return account_id


def _body(request: Request, model: type[Model]) -> Model:
    """Return the request's body."""
    request.query(allowed=())
    return decode_object(request.body, model)
