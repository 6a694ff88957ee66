"""The Lambda functions of billing besides its routes and those of every service."""

from __future__ import annotations

import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice.app import Rate

from billing_service.container import Billing, now_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalice.app import SQSEvent

    from kv_common.events.lambdas import LambdaHandler
    from kv_common.http import Api

# Resolved at deployment: Chalice copies it to the template unchanged.
_QUEUE: Any = {"Fn::GetAtt": ["WebhooksQueue", "Arn"]}


def add_webhooks(app: Api, billing: Callable[[], Billing]) -> LambdaHandler:
    """Register the function that applies webhooks; return its handler, for `app.py` to re-export."""

    @app.on_sqs_message(queue_arn=_QUEUE, batch_size=10)
    def on_webhooks(event: SQSEvent) -> dict[str, list[dict[str, str]]]:
        return billing().consumer.consume(event.to_dict())

    handler: LambdaHandler = on_webhooks
    return handler


def add_reconciliation(app: Api, billing: Callable[[], Billing]) -> LambdaHandler:
    """Register the function that compares accounts with Paddle; return its handler."""

    @app.schedule(Rate(1, unit=Rate.HOURS))
    def reconcile_subscriptions(_event: Any) -> dict[str, int]:
        return billing().reconciliation.run(uuid.uuid4().hex)

    handler: LambdaHandler = reconcile_subscriptions
    return handler


def add_agreement(app: Api, billing: Callable[[], Billing]) -> LambdaHandler:
    """Register the function by which an operator sets custom limits; return its handler."""

    @app.lambda_function()
    def agree_limits(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        from billing_service.custom_limits import agree

        return agree(billing().ledger, event, uuid.uuid4().hex, now_us=now_us())

    handler: LambdaHandler = agree_limits
    return handler


def bind_once() -> Callable[[], Billing]:
    """Return a function that binds the dependencies on first use, and returns the same ones later."""
    return cache(Billing)
