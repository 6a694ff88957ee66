"""The Lambda functions of auth besides its routes, and its event handlers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from chalice.app import Rate

from auth_service import cognito
from auth_service.cognito_admin import CognitoAdmin
from auth_service.deletion import Deletion
from auth_service.persistence import AccountStore, KeyStore
from kv_common import dynamodb
from kv_common.clock import now_ms
from kv_common.events import AccountDeleted, ApiKeyUsed, Event
from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.events.consumer import Handler
    from kv_common.events.lambdas import LambdaHandler
    from kv_common.http import Api

_MINUTE_MS = 60_000


def add_signing_keys(app: Api) -> LambdaHandler:
    """Register the function that copies the signing keys; return its handler, for `app.py` to re-export."""

    @app.schedule(Rate(1, unit=Rate.HOURS))
    def refresh_signing_keys(_event: Any) -> dict[str, int]:
        # Imports PyJWT and cryptography, which other functions need at their first token, if at all.
        from auth_service import signing_keys

        return {"keys": signing_keys.refresh()}

    handler: LambdaHandler = refresh_signing_keys
    return handler


def event_handlers(env: Mapping[str, str] = os.environ) -> dict[str, Handler]:
    """Return the event handlers, bound to their dependencies.

    They are idempotent and independent of order, so processed events are not recorded.
    """
    client, table = dynamodb.client(), required(env, "TABLE")
    keys = KeyStore(client, table, required(env, "CREDENTIALS_TABLE"))
    users = CognitoAdmin(cognito.client(), required(env, "USER_POOL_ID"))
    deletion = Deletion(AccountStore(client, table), keys, users, now_ms=now_ms)

    def finish_deletion(event: Event) -> None:
        deletion.finish(event.account_id)

    def note_uses(event: Event) -> None:
        for key_id, minute in cast("ApiKeyUsed", event.data).keys.items():
            keys.note_use(event.account_id, key_id, minute * _MINUTE_MS)

    return {AccountDeleted.event_name(): finish_deletion, ApiKeyUsed.event_name(): note_uses}
