"""alerts's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from alerts_service.bootstrap import Alerts, bootstrap
from kv_common.http import Api
from kv_common.http.health import add_health

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app(make: Callable[[], Alerts] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("alerts")
    alerts = cache(make)

    def check_table() -> None:
        alerts().store.check()

    add_health(app, "alerts", check_table)
    return app
