"""Publish events to the bus in place of a service."""

from __future__ import annotations

import itertools
import time
import uuid
from typing import TYPE_CHECKING

from kv_common.events import Contract, Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.local.environment import LocalEnvironment

_PER_CALL = 10


def new_event(account_id: str, data: Contract, *, event_id: str | None = None, at_us: int | None = None) -> Event:
    """Return an event of an account; it occurred at `at_us`, or now."""
    return Event(
        id=event_id or uuid.uuid4().hex,
        account_id=account_id,
        correlation_id=f"test-{uuid.uuid4().hex[:8]}",
        occurred_at_us=at_us or time.time_ns() // 1000,
        data=data,
    )


def publish(local: LocalEnvironment, source: str, events: Iterable[Event]) -> None:
    """Put events on the stage's bus."""
    client = local.aws_client("events")
    rest = iter(events)
    while call := list(itertools.islice(rest, _PER_CALL)):
        response = client.put_events(
            Entries=[
                {"EventBusName": "kv-local", "Source": source, "DetailType": event.name, "Detail": event.encode()}
                for event in call
            ]
        )
        assert response["FailedEntryCount"] == 0
