"""usage's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kv_common.http import Api
from kv_common.http.health import add_health
from usage_service.bootstrap import Usage, bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app(make: Callable[[], Usage] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("usage")
    usage = cache(make)

    def check_table() -> None:
        usage().store.check()

    add_health(app, "usage", check_table)
    return app
