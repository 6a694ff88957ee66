"""Keeps the objects of large values in step with the items that name them; doing it again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kv_service.storage_usage.object_changes import object_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kv_service.storage_usage.object_changes import ObjectName
    from kv_service.storage_usage.ports import ValueObjects

_AT_ONCE = 8
"""Objects are confirmed one by one, a batch may have a thousand, and the bucket's client has ten connections."""


class ObjectTracker:
    """Applies the changes of the table's stream to the bucket."""

    def __init__(self, store: ValueObjects) -> None:
        self._store = store

    def track(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Let objects stay that items came to name, remove those that none names; Unavailable half-way when it must."""
        found = object_changes(records)
        if found.named:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._confirm, found.named))
        if found.unnamed:
            self._store.delete_values(sorted((one.namespace_id, one.id) for one in found.unnamed))

    def _confirm(self, one: ObjectName) -> None:
        self._store.confirm(one.namespace_id, one.id)
