"""billing's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from billing_service.container import Billing
from billing_service.http import request_models
from kv_common import VERSION
from kv_common.auth.bearer import authenticated_account
from kv_common.errors import Unavailable
from kv_common.http import Api, Request, Response, json_response
from kv_common.json.strict import decode_object

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app(make: Callable[[], Billing] = Billing) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("billing")
    billing = cache(make)
    _add_webhooks(app, billing)
    _add_plans(app, billing)
    _add_subscription(app, billing)
    _add_health(app, billing)
    return app


def _add_webhooks(app: Api, billing: Callable[[], Billing]) -> None:
    @app.route("/v1/webhooks/paddle", methods=["POST"])
    def take_webhook(request: Request) -> Response:
        billing().ingress.take(request)
        return json_response({"status": "stored"})


def _add_plans(app: Api, billing: Callable[[], Billing]) -> None:
    @app.route("/v1/billing/plans", methods=["GET"])
    def plans(request: Request) -> Response:
        from billing_service.http.responses import show_plans

        request.query(allowed=())
        body = show_plans(billing().settings.prices)
        return json_response(body, headers={"Cache-Control": "public, max-age=300"})


def _add_subscription(app: Api, billing: Callable[[], Billing]) -> None:
    @app.route("/v1/billing/subscription", methods=["GET"])
    def subscription(request: Request) -> Response:
        from billing_service.http.responses import show_account

        return json_response(show_account(billing().purchases.account(_owner(request, billing()))))

    @app.route("/v1/billing/subscription", methods=["PATCH"])
    def change(request: Request) -> Response:
        account_id = _owner(request, billing())
        plan = decode_object(request.body, request_models.Wanted).plan
        billing().purchases.change(account_id, plan)
        return json_response({"plan": plan, "status": "changing"}, 202)

    @app.route("/v1/billing/checkout", methods=["POST"])
    def checkout(request: Request) -> Response:
        from billing_service.http.responses import show_checkout

        account_id = _owner(request, billing())
        opened = billing().purchases.checkout(account_id, decode_object(request.body, request_models.Wanted).plan)
        return json_response(show_checkout(opened, billing().api_settings))

    @app.route("/v1/billing/portal", methods=["POST"])
    def portal(request: Request) -> Response:
        account_id = _owner(request, billing())
        decode_object(request.body or b"{}", request_models.Nothing)
        return json_response({"url": billing().purchases.portal(account_id)})


def _add_health(app: Api, billing: Callable[[], Billing]) -> None:
    @app.route("/v1/health/billing", methods=["GET"])
    def health(request: Request) -> Response:
        request.query(allowed=())
        checks = {"dynamodb": _table_of(billing()), "webhook_secret": _webhook_secret_of(billing())}
        # Without a webhook secret the routes of plans serve on; webhooks are refused with 503, so that they come again.
        serving = checks["dynamodb"] == "ok"
        state = "down" if not serving else "ok" if set(checks.values()) == {"ok"} else "degraded"
        body = {
            "service": "billing",
            "version": VERSION,
            "status": state,
            "dependencies": checks,
        }
        return json_response(body, 200 if serving else 503)


def _table_of(billing: Billing) -> str:
    try:
        billing.store.check()
    except Unavailable:
        return "down"
    return "ok"


def _webhook_secret_of(billing: Billing) -> str:
    try:
        return "ok" if billing.paddle_keys.get().webhook_secrets else "missing"
    except Unavailable:
        return "down"


def _owner(request: Request, billing: Billing) -> str:
    """Return the account whose session the request belongs to."""
    account_id = authenticated_account(request, billing.verify_token)
    request.query(allowed=())
    return account_id
