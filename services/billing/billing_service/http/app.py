"""billing's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from billing_service.container import Billing
from kv_common import VERSION
from kv_common.auth.bearer import authenticated_account
from kv_common.errors import Unavailable
from kv_common.http import Api, Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from billing_service.http.request_models import WantedPlan
    from kv_common.http.models import NoBody

RESPONSES = "billing_service.http.response_models"
WANTED_PLAN = "billing_service.http.request_models:WantedPlan"


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
    @app.route("/v1/billing/plans", methods=["GET"], responses={200: f"{RESPONSES}:Plans"})
    def plans(_: Request) -> Response:
        from billing_service.http.responses import show_plans

        body = show_plans(billing().settings.prices)
        return json_response(body, headers={"Cache-Control": "public, max-age=300"})


def _add_subscription(app: Api, billing: Callable[[], Billing]) -> None:
    def account(request: Request) -> str:
        """Return the id of the caller's account."""
        return authenticated_account(request, billing().verify_token)

    @app.route(
        "/v1/billing/subscription",
        methods=["GET"],
        caller=account,
        responses={200: f"{RESPONSES}:Subscription"},
    )
    def subscription(_: Request, *, caller: str) -> Response:
        from billing_service.http.responses import show_account

        return json_response(show_account(billing().purchases.account(caller)))

    @app.route(
        "/v1/billing/subscription",
        methods=["PATCH"],
        caller=account,
        body=WANTED_PLAN,
        responses={202: f"{RESPONSES}:PlanChange"},
    )
    def change(_: Request, *, caller: str, body: WantedPlan) -> Response:
        billing().purchases.change(caller, body.plan)
        return json_response({"plan": body.plan, "status": "changing"}, 202)

    @app.route(
        "/v1/billing/checkout",
        methods=["POST"],
        caller=account,
        body=WANTED_PLAN,
        responses={200: f"{RESPONSES}:Checkout"},
    )
    def checkout(_: Request, *, caller: str, body: WantedPlan) -> Response:
        from billing_service.http.responses import show_checkout

        opened = billing().purchases.checkout(caller, body.plan)
        return json_response(show_checkout(opened, billing().api_settings))

    @app.route(
        "/v1/billing/portal",
        methods=["POST"],
        caller=account,
        body="kv_common.http.models:NoBody",
        body_required=False,
        responses={200: f"{RESPONSES}:Portal"},
    )
    def portal(_: Request, *, caller: str, body: NoBody) -> Response:  # noqa: ARG001
        return json_response({"url": billing().purchases.portal(caller)})


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
