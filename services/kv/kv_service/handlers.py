"""What kv does about other services' events."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from kv_common.admission.redis_limiter import RedisLimiter, connect
from kv_common.events import ApiKeyRevoked, Event
from kv_common.settings import required

if TYPE_CHECKING:
    from kv_common.events.consumer import Handler


def handlers() -> dict[str, Handler]:
    """Return kv's handlers, bound to what they need."""
    limiter = RedisLimiter(connect(required(os.environ, "REDIS_URL")))

    def close_key(event: Event) -> None:
        # Setting it twice is setting it once: no record of what was seen is needed.
        limiter.revoke_key(event.account_id, cast("ApiKeyRevoked", event.data).digest)

    return {ApiKeyRevoked.event_name(): close_key}
