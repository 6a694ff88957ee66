"""auth's Lambda functions besides its routes."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice.app import DynamoDBEvent, Rate

from auth_service import signing_keys
from kv_common.events.publisher import Publisher
from kv_common.settings import required

if TYPE_CHECKING:
    from kv_common.http import Api

# Resolved at deployment: Chalice passes it on to the template as it is.
_STREAM: Any = {"Fn::GetAtt": ["Table", "StreamArn"]}

LambdaHandler = Callable[..., Any]


def add_signing_keys(app: Api) -> LambdaHandler:
    """Register the function that copies the signing keys; return its handler, for `app.py` to re-export."""

    @app.schedule(Rate(1, unit=Rate.HOURS))
    def refresh_signing_keys(_event: Any) -> dict[str, int]:
        return {"keys": signing_keys.refresh()}

    handler: LambdaHandler = refresh_signing_keys
    return handler


def add_publisher(app: Api) -> LambdaHandler:
    """Register the function that publishes the outbox; return its handler, for `app.py` to re-export."""
    publisher = cache(_publisher)

    @app.on_dynamodb_record(stream_arn=_STREAM)
    def publish_outbox(event: DynamoDBEvent) -> dict[str, list[dict[str, str]]]:
        return publisher().publish(event.to_dict()["Records"])

    handler: LambdaHandler = publish_outbox
    return handler


def _publisher() -> Publisher:
    import boto3

    return Publisher(boto3.client("events"), required(os.environ, "BUS"), "kv.auth")
