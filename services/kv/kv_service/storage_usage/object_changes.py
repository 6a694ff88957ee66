"""What becomes of large values' objects, from the changes of the table's stream: pure rules.

An object is named by one item for one stretch of time, and never again: every write of a large value makes an object
of its own. So an object that a change took out of its item can go, whatever else is yet to come; one that a change
brought in is to stay, unless it is known to go. Neither depends on the order or the number of deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kv_service.storage_usage.rules import VALUE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OBJECT = "o"
"""The attribute of a value's item that names its object."""


@dataclass(frozen=True, slots=True)
class ObjectName:
    """A large value's object."""

    namespace_id: str
    id: str


@dataclass(frozen=True, slots=True)
class ObjectChanges:
    """What is to be done about objects: those that an item has come to name, and those that none names any more."""

    named: frozenset[ObjectName]
    unnamed: frozenset[ObjectName]


def object_changes(records: Iterable[Mapping[str, Any]]) -> ObjectChanges:
    """Return what the changes in `records` mean for objects."""
    named: set[ObjectName] = set()
    unnamed: set[ObjectName] = set()
    for record in records:
        change = record["dynamodb"]
        before, after = _object(change, "OldImage"), _object(change, "NewImage")
        if before == after:
            continue
        if before is not None:
            unnamed.add(before)
        if after is not None:
            named.add(after)
    return ObjectChanges(frozenset(named - unnamed), frozenset(unnamed))


def _object(change: Mapping[str, Any], image: str) -> ObjectName | None:
    partition: str = change["Keys"]["PK"]["S"]
    if not partition.startswith(VALUE_PREFIX) or OBJECT not in (change.get(image) or {}):
        return None
    return ObjectName(partition.removeprefix(VALUE_PREFIX), change[image][OBJECT]["S"])
