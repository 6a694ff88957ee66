"""usage's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kv_common.auth.bearer import authenticated_account
from kv_common.http import Api
from kv_common.http.health import add_health
from usage_service.container import Usage, bootstrap
from usage_service.domain.periods import day_of_us
from usage_service.http.responses import read_history, show_history, show_month

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http import Request, Response


def create_app(make: Callable[[], Usage] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("usage")
    usage = cache(make)

    @app.route("/v1/usage", methods=["GET"])
    def get_usage(request: Request) -> Response:
        account_id = authenticated_account(request, usage().verify_token)
        request.query(allowed=())
        return show_month(usage().reports.month(account_id))

    @app.route("/v1/usage/history", methods=["GET"])
    def get_history(request: Request) -> Response:
        account_id = authenticated_account(request, usage().verify_token)
        asked, namespace = read_history(request, today=day_of_us(int(usage().now_s() * 1_000_000)))
        return show_history(asked, namespace, usage().reports.history(account_id, asked, namespace))

    add_health(app, "usage", lambda: usage().check())
    return app
