"""The Lambda functions of events that every service has: one publishes the outbox, one consumes events.

`app.py` re-exports their handlers under the names that the parts `publisher` and `queues` of resources.json refer to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalice.app import DynamoDBEvent, SQSEvent

    from kv_common.events.batch import BatchResponse
    from kv_common.events.consumer import Consumer, Handler
    from kv_common.events.publisher import Publisher
    from kv_common.http import Api

LambdaHandler = Callable[..., Any]

# Resolved at deployment: Chalice copies them to the template unchanged.
STREAM: Any = {"Fn::GetAtt": ["Table", "StreamArn"]}
_QUEUE: Any = {"Fn::GetAtt": ["EventsQueue", "Arn"]}


def add_publisher(app: Api, service: str) -> LambdaHandler:
    """Register the function that publishes the outbox; return its handler, for `app.py` to re-export."""
    publisher = cache(lambda: _publisher(service))

    @app.on_dynamodb_record(stream_arn=STREAM)
    def publish_outbox(event: DynamoDBEvent) -> BatchResponse:
        return publisher().publish(event.to_dict()["Records"])

    handler: LambdaHandler = publish_outbox
    return handler


def add_consumer(app: Api, service: str, make: Callable[[], Mapping[str, Handler]]) -> LambdaHandler:
    """Register the function that consumes other services' events; return its handler, for `app.py` to re-export.

    `make` is called when the first batch arrives.
    """
    consumer = cache(lambda: _consumer(service, make()))

    @app.on_sqs_message(queue_arn=_QUEUE, batch_size=10)
    def on_events(event: SQSEvent) -> BatchResponse:
        return consumer().consume(event.to_dict())

    handler: LambdaHandler = on_events
    return handler


# Imported by the first batch: no API request needs Powertools' batch utility, pydantic or boto3.


def _consumer(service: str, handlers: Mapping[str, Handler]) -> Consumer:
    from kv_common.events.consumer import Consumer

    return Consumer(service, handlers)


def _publisher(service: str) -> Publisher:
    import boto3

    from kv_common.events.publisher import Publisher

    return Publisher(boto3.client("events"), required(os.environ, "BUS"), f"kv.{service}")
