"""`GET /v1/health/<service>`: the state of the service and of its dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common import VERSION
from kv_common.errors import Unavailable
from kv_common.http.response import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http.app import Api
    from kv_common.http.request import Request


def add_health(app: Api, service: str, check_table: Callable[[], object]) -> None:
    """Add the route to a service that depends on its table only; `check_table` raises Unavailable if that is down."""

    @app.route(f"/v1/health/{service}", methods=["GET"])
    def health(request: Request) -> Response:
        request.query(allowed=())
        try:
            check_table()
            up = True
        except Unavailable:
            up = False
        body = {
            "service": service,
            "version": VERSION,
            "status": "ok" if up else "down",
            "dependencies": {"dynamodb": "ok" if up else "down"},
        }
        return json_response(body, 200 if up else 503)
