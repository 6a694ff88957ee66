"""The Lambda functions of events, the same in every service: one that publishes the outbox, one that takes events.

Their names are what `app.py` re-exports them under, and what the parts `publisher` and `queues` of resources.json stand
for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from kv_common.events.consumer import Consumer, Handler
from kv_common.events.publisher import Publisher
from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalice.app import DynamoDBEvent, SQSEvent

    from kv_common.http import Api

LambdaHandler = Callable[..., Any]

# Resolved at deployment: Chalice passes them on to the template as they are.
STREAM: Any = {"Fn::GetAtt": ["Table", "StreamArn"]}
_QUEUE: Any = {"Fn::GetAtt": ["EventsQueue", "Arn"]}


def add_publisher(app: Api, service: str) -> LambdaHandler:
    """Register the function that publishes the outbox; return its handler, for `app.py` to re-export."""
    publisher = cache(lambda: _publisher(service))

    @app.on_dynamodb_record(stream_arn=STREAM)
    def publish_outbox(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
        return publisher().publish(event.to_dict()["Records"])

    handler: LambdaHandler = publish_outbox
    return handler


def add_consumer(app: Api, service: str, make: Callable[[], Mapping[str, Handler]]) -> LambdaHandler:
    """Register the function that applies other services' events; return its handler, for `app.py` to re-export.

    `make` binds the handlers when the first batch comes.
    """
    consumer = cache(lambda: Consumer(service, make()))

    @app.on_sqs_message(queue_arn=_QUEUE, batch_size=10)
    def on_events(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
        return consumer().consume(event.to_dict())

    handler: LambdaHandler = on_events
    return handler


def _publisher(service: str) -> Publisher:
    import boto3

    return Publisher(boto3.client("events"), required(os.environ, "BUS"), f"kv.{service}")
