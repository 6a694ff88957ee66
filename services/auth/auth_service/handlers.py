"""auth's Lambda functions besides its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Rate

from auth_service import signing_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.http import Api


def add_handlers(app: Api) -> Callable[..., Any]:
    """Register the scheduled function; return its handler, for `app.py` to re-export under its own name."""

    @app.schedule(Rate(1, unit=Rate.HOURS))
    def refresh_signing_keys(_event: Any) -> dict[str, int]:
        return {"keys": signing_keys.refresh()}

    handler: Callable[..., Any] = refresh_signing_keys
    return handler
