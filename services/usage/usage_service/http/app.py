"""usage's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kv_common.auth.bearer import authenticated_account
from kv_common.http import Api
from kv_common.http.health import add_health
from usage_service.container import Usage, bootstrap
from usage_service.domain.periods import day_of_us
from usage_service.http.responses import show_history, show_month, span_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http import Request, Response
    from usage_service.http.request_models import History

RESPONSES = "usage_service.http.response_models"


def create_app(make: Callable[[], Usage] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("usage")
    usage = cache(make)

    def account(request: Request) -> str:
        """Return the id of the caller's account."""
        return authenticated_account(request, usage().verify_token)

    @app.route("/v1/usage", methods=["GET"], caller=account, responses={200: f"{RESPONSES}:Usage"})
    def get_usage(_: Request, *, caller: str) -> Response:
        return show_month(usage().reports.month(caller))

    @app.route(
        "/v1/usage/history",
        methods=["GET"],
        caller=account,
        query="usage_service.http.request_models:History",
        responses={200: f"{RESPONSES}:UsageHistory"},
    )
    def get_history(_: Request, *, caller: str, query: History) -> Response:
        asked = span_of(query, today=day_of_us(int(usage().now_s() * 1_000_000)))
        return show_history(asked, query.namespace, usage().reports.history(caller, asked, query.namespace))

    add_health(app, "usage", lambda: usage().check())
    return app
