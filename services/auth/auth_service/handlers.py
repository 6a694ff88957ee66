"""auth's Lambda functions besides its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Rate

from auth_service import signing_keys

if TYPE_CHECKING:
    from kv_common.events.functions import LambdaHandler
    from kv_common.http import Api


def add_signing_keys(app: Api) -> LambdaHandler:
    """Register the function that copies the signing keys; return its handler, for `app.py` to re-export."""

    @app.schedule(Rate(1, unit=Rate.HOURS))
    def refresh_signing_keys(_event: Any) -> dict[str, int]:
        return {"keys": signing_keys.refresh()}

    handler: LambdaHandler = refresh_signing_keys
    return handler
