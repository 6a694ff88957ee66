"""What namespaces hold, from the changes of the table's stream: pure rules.

A value's size is that of its key, its JSON text and its metadata, in bytes. The sizes of an item's images before and
after a change say what the change did, independent of the writer and of the stream's event name: expiry deletes as
well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kv_service.values.model import stored_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VALUE_PREFIX = "V#"


@dataclass(frozen=True, slots=True)
class Change:
    """What one change of a value did to its namespace; `sequence` orders the changes of a shard."""

    namespace_id: str
    sequence: int
    bytes: int
    keys: int


@dataclass(frozen=True, slots=True)
class UsageDelta:
    """By how much a namespace has grown, or shrunk where it is negative."""

    namespace_id: str
    bytes: int
    keys: int


def read_changes(records: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Return what happened to values, in the stream's order."""
    return [_change(record["dynamodb"]) for record in records if _is_value(record["dynamodb"])]


def sum_deltas(changes: Sequence[Change]) -> list[UsageDelta]:
    """Return the sum of changes by namespace, without those that come to nothing."""
    sums: dict[str, tuple[int, int]] = {}
    for change in changes:
        size, keys = sums.get(change.namespace_id, (0, 0))
        sums[change.namespace_id] = (size + change.bytes, keys + change.keys)
    return [UsageDelta(namespace_id, size, keys) for namespace_id, (size, keys) in sums.items() if size or keys]


def _is_value(change: Mapping[str, Any]) -> bool:
    return str(change["Keys"]["PK"]["S"]).startswith(VALUE_PREFIX)


def _change(change: Mapping[str, Any]) -> Change:
    before, after = change.get("OldImage"), change.get("NewImage")
    return Change(
        namespace_id=change["Keys"]["PK"]["S"].removeprefix(VALUE_PREFIX),
        sequence=int(change["SequenceNumber"]),
        bytes=_size(after) - _size(before),
        keys=bool(after) - bool(before),
    )


def _size(image: Mapping[str, Any] | None) -> int:
    if not image:
        return 0
    text_bytes = int(image["s"]["N"]) if "s" in image else len(image["n"]["N"])
    return stored_bytes(image["SK"]["S"], text_bytes, image["m"]["S"] if "m" in image else None)
