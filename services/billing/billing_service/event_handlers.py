"""Handlers of other services' events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from billing_service.container import Billing
from kv_common import dynamodb
from kv_common.dynamodb import ConditionFailed
from kv_common.events import AccountCreated, AccountDeleted, Event
from kv_common.events.processed_events import ProcessedEvents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billing_service.paddle.client import Paddle
    from billing_service.persistence import BillingStore
    from kv_common.events.consumer import Handler


def handlers() -> Mapping[str, Handler]:
    """Return the handlers, bound to their dependencies."""
    billing = Billing()
    processed = ProcessedEvents(dynamodb.client(), billing.settings.table, now_s=time.time)
    return bound(processed, billing.store, billing.paddle)


def bound(processed: ProcessedEvents, store: BillingStore, paddle: Paddle) -> Mapping[str, Handler]:
    """Return the handlers on a store and Paddle's API."""

    def add(event: Event) -> None:
        try:
            processed.apply(event, [store.creation(event.account_id)])
        except ConditionFailed:
            # The account has opened a checkout before this event arrived.
            return

    def forget(event: Event) -> None:
        # The tombstone comes first: a webhook that arrives meanwhile must not restore the account.
        store.close(event.account_id)
        account = store.load(event.account_id)
        for subscription in account.subscriptions if account else ():
            if not subscription.ended:
                # A deleted account must not be charged. If Paddle does not respond, the event is redelivered.
                paddle.cancel(subscription.id)
        store.forget(event.account_id)

    return {AccountCreated.event_name(): add, AccountDeleted.event_name(): forget}
