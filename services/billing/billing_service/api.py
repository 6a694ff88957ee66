"""billing's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from billing_service.bootstrap import Billing, bootstrap
from kv_common.http import Api
from kv_common.http.health import add_health

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app(make: Callable[[], Billing] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("billing")
    billing = cache(make)

    def check_table() -> None:
        billing().store.check()

    add_health(app, "billing", check_table)
    return app
