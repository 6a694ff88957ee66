"""Keeps count of what namespaces hold, exactly: each part of the stream counts once, however often it is delivered.

The counts, their position in the shard and their events are one transaction. A part that comes again
is recognized by its position; one that was cut differently the second time is counted from where the first ended. So
a part that comes to nothing is noted too: half of it would not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_service.storage_usage import rules as storage
from kv_service.storage_usage.events import storage_changed
from kv_service.storage_usage.ports import MAX_NAMESPACES_PER_COUNT, AlreadyCounted, NamespacesDeleted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from kv_common.clock import Clock
    from kv_service.storage_usage.ports import StorageStore
    from kv_service.storage_usage.rules import Change


class Tracker:
    """Applies the changes of the table's stream to the counts."""

    def __init__(self, store: StorageStore, *, now_ms: Clock, log: Callable[[dict[str, object]], None]) -> None:
        self._store = store
        self._now_ms = now_ms
        self._log = log

    def track(self, records: Sequence[Mapping[str, Any]], shard: str) -> None:
        """Count what the records of one shard changed, in their order; raises Unavailable half-way when it must."""
        changes = storage.read_changes(records)
        for part in _parts(changes):
            self._count(part, shard)

    def _count(self, changes: list[Change], shard: str) -> None:
        while changes:
            sum_deltas = storage.sum_deltas(changes)
            owners = self._store.owners([growth.namespace_id for growth in sum_deltas])
            known = [growth for growth in sum_deltas if growth.namespace_id in owners]
            if len(known) < len(sum_deltas):
                # Deleted with their account while their last changes were on the way: nobody is left to count for.
                self._log({"message": "changes of deleted namespaces"})
            sequence = str(changes[-1].sequence)
            events = [
                storage_changed(owners[growth.namespace_id], growth, shard, sequence, now_ms=self._now_ms())
                for growth in known
            ]
            try:
                self._store.count(
                    shard, first=changes[0].sequence, last=changes[-1].sequence, sum_deltas=known, events=events
                )
            except AlreadyCounted as behind:
                changes = [change for change in changes if change.sequence > behind.position]
            except NamespacesDeleted as deleted:
                changes = [change for change in changes if change.namespace_id not in deleted.namespace_ids]
            else:
                return


def _parts(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Cut changes into parts of as many namespaces as one transaction takes."""
    part: list[Change] = []
    namespaces: set[str] = set()
    for change in changes:
        if change.namespace_id not in namespaces and len(namespaces) == MAX_NAMESPACES_PER_COUNT:
            yield part
            part, namespaces = [], set()
        part.append(change)
        namespaces.add(change.namespace_id)
    if part:
        yield part
