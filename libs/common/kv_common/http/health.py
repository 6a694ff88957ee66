"""`GET /v1/health/<service>`: is the service up, and what does it depend on?"""

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
    """Add the route to a service that needs nothing but its table; `check_table` raises Unavailable without it."""

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
