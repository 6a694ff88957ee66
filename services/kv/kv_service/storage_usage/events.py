"""The event of changed storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Contracts are looked up when an event is made: importing them imports pydantic, which requests for values do not need.
from kv_common import events

if TYPE_CHECKING:
    from kv_common.events import Event
    from kv_service.storage_usage.rules import UsageDelta


def storage_changed(account_id: str, delta: UsageDelta, shard: str, sequence: str, *, now_ms: int) -> Event:
    """Return the event of a namespace's change of storage up to a position in the table's stream."""
    event_id = f"{delta.namespace_id}#{shard}#{sequence}"
    return events.Event(
        id=event_id,
        account_id=account_id,
        correlation_id=f"storage-{sequence}",
        occurred_at_us=now_ms * 1000,
        data=events.StorageChanged(
            namespace_id=delta.namespace_id,
            bytes_delta=delta.bytes,
            keys_delta=delta.keys,
            shard=shard,
            sequence=sequence,
        ),
    )
