"""The events of usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Contracts are looked up when an event is made: importing them imports pydantic, which requests for values do not need.
from kv_common import events

if TYPE_CHECKING:
    from kv_common.events import Event, RequestServed


def request_served(account_id: str, served: RequestServed, correlation_id: str, *, now_s: int) -> Event:
    """Return the event of an account's requests in a minute; its id is the same for every report of that minute."""
    return events.Event(
        id=f"{account_id}#{served.minute}#{served.epoch}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_s * 1_000_000,
        data=served,
    )


def keys_used(account_id: str, keys: dict[str, int], correlation_id: str, *, now_s: int) -> Event:
    """Return the event of the last uses of an account's keys."""
    return events.Event(
        id=f"{account_id}#used-{now_s // 60}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_s * 1_000_000,
        data=events.ApiKeyUsed(keys=keys),
    )
