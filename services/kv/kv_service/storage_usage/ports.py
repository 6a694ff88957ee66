"""What counting needs of its stores, and the failures that it handles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kv_common.events import Event
    from kv_service.storage_usage.rules import UsageDelta

MAX_NAMESPACES_PER_COUNT = 30
"""How many namespaces one `count` takes: its transaction has three items for each."""


class AlreadyCounted(Exception):
    """Changes up to `position` have been counted already."""

    def __init__(self, position: int) -> None:
        super().__init__(f"counted up to {position}")
        self.position = position


class NamespacesDeleted(Exception):
    """Namespaces that are no longer counted, because their account was deleted."""

    def __init__(self, namespace_ids: frozenset[str]) -> None:
        super().__init__(f"{len(namespace_ids)} namespaces have been deleted")
        self.namespace_ids = namespace_ids


class StorageStore(Protocol):
    """Counts of keys and bytes; every method may raise Unavailable."""

    def owners(self, namespace_ids: Sequence[str]) -> dict[str, str]:
        """Return the accounts of namespaces by id, without deleted ones."""

    def count(
        self, shard: str, *, first: int, last: int, sum_deltas: Sequence[UsageDelta], events: Sequence[Event]
    ) -> None:
        """Add deltas and publish their events, for the changes `first` to `last` of a shard.

        Raises AlreadyCounted and NamespacesDeleted.
        """


class ValueObjects(Protocol):
    """The objects of large values; every method may raise Unavailable."""

    def confirm(self, namespace_id: str, object_id: str) -> None:
        """Keep an object, because an item names it; nothing happens if it has been deleted."""

    def delete_values(self, names: Sequence[tuple[str, str]]) -> None:
        """Delete objects by namespace and object id, if they exist."""
