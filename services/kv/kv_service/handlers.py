"""kv's Lambda functions besides its routes."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from kv_common.admission.redis_limiter import RedisLimiter, connect
from kv_common.events import ApiKeyRevoked, Event
from kv_common.events.consumer import Consumer
from kv_common.settings import required

if TYPE_CHECKING:
    from chalice.app import SQSEvent

    from kv_common.http import Api

# Resolved at deployment: Chalice passes it on to the template as it is.
_QUEUE: Any = {"Fn::GetAtt": ["EventsQueue", "Arn"]}

LambdaHandler = Callable[..., Any]


def add_consumer(app: Api) -> LambdaHandler:
    """Register the function that applies other services' events; return its handler, for `app.py` to re-export."""
    consumer = cache(_consumer)

    @app.on_sqs_message(queue_arn=_QUEUE, batch_size=10)
    def on_events(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
        return consumer().consume(event.to_dict())

    handler: LambdaHandler = on_events
    return handler


def handlers(limiter: RedisLimiter) -> dict[str, Callable[[Event], None]]:
    """Return what kv does about each event it takes."""

    def close_key(event: Event) -> None:
        # Setting it twice is setting it once: no record of what was seen is needed.
        limiter.revoke_key(event.account_id, cast("ApiKeyRevoked", event.data).digest)

    return {ApiKeyRevoked.event_name(): close_key}


def _consumer() -> Consumer:
    return Consumer("kv", handlers(RedisLimiter(connect(required(os.environ, "REDIS_URL")))))
