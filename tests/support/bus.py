"""Telling an event as a service does: onto the real bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment
    from kv_common.events import Event


def tell(local: LocalEnvironment, source: str, *events: Event) -> None:
    """Put events on the bus as `source` (such as kv.billing), ten at a time."""
    client = local.aws_client("events")
    for start in range(0, len(events), 10):
        entries = [
            {"EventBusName": "kv-local", "Source": source, "DetailType": event.name, "Detail": event.encode()}
            for event in events[start : start + 10]
        ]
        answer = client.put_events(Entries=entries)
        assert answer["FailedEntryCount"] == 0, answer
