"""The API of values as a dictionary: the expected outcome of every operation, implemented as simply as possible.

It shares no code with the service. JSON is taken apart with the standard library's scanner, so that every member keeps
its text; a document that a patch made has no text until the service has shown one, only members.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEPT: Final = "kept"
"""Represents a field that is not sent."""

Document = str | dict[str, "Document"]
"""JSON text, or the fields of an object whose text is unknown."""

Kind = Literal["get", "head", "put", "patch", "increment", "delete"]
READS = ("get", "head")

TimeToLive = int | Literal["kept"] | None
"""Seconds, None for no expiry."""

_INT64 = range(-(2**63), 2**63)
_scan = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one key; `value` and `metadata` are JSON texts."""

    op: Kind
    key: str
    value: str = KEPT
    ttl: TimeToLive = KEPT
    metadata: str | None = KEPT
    by: int | None = None
    fields: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The stored version; the `size` of a document without a text is learned from the service."""

    value: Document
    size: int | None
    created_ms: int
    updated_ms: int
    expires_s: int | None
    metadata: str | None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an operation: the reason of an error, the result of a read, the entry after a write."""

    status: int
    reason: str | None = None
    entry: Entry | None = None
    shown: Document | None = None


@dataclass(slots=True)
class Model:
    """The keys of a namespace; ETags are learned from responses."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def apply(self, operation: Operation, now_ms: int) -> Outcome:
        """Apply one operation and return its outcome."""
        entry = self.entry(operation.key, now_ms)
        refusal = _precondition(operation, entry)
        if refusal is not None:
            return refusal
        match operation.op:
            case "get" | "head":
                return _read(operation, entry)
            case "delete":
                self.entries.pop(operation.key, None)
                return Outcome(204)
        outcome = {"put": _put, "patch": _patch, "increment": _increment}[operation.op](operation, entry, now_ms)
        if outcome.entry is not None:
            self.entries[operation.key] = outcome.entry
        return outcome

    def entry(self, key: str, now_ms: int) -> Entry | None:
        """Return the entry of a key, None if it does not exist or has expired."""
        entry = self.entries.get(key)
        if entry is not None and entry.expires_s is not None and now_ms >= entry.expires_s * 1000:
            return None
        return entry

    def keys(self, prefix: str, now_ms: int) -> list[str]:
        """Return the keys that start with `prefix`, in order."""
        return sorted(key for key in self.entries if key.startswith(prefix) and self.entry(key, now_ms))

    def learn(self, key: str, **facts: object) -> None:
        """Record properties of a key that only the service knows."""
        self.entries[key] = replace(self.entries[key], **facts)  # type: ignore[arg-type]

    def copy(self) -> Model:
        """Return an independent copy."""
        return Model(dict(self.entries))


def _precondition(operation: Operation, entry: Entry | None) -> Outcome | None:
    wanted, unwanted = operation.if_match, operation.if_none_match
    if wanted is not None and (entry is None or not _names(wanted, entry, weakly=False)):
        return Outcome(412)
    if unwanted is not None and entry is not None and _names(unwanted, entry, weakly=True):
        return Outcome(304, entry=entry) if operation.op in READS else Outcome(412)
    return None


def _names(condition: str, entry: Entry, *, weakly: bool) -> bool:
    tags = [tag.strip() for tag in condition.split(",")]
    spellings = {"*", entry.etag} | ({f"W/{entry.etag}"} if weakly else set())
    return not spellings.isdisjoint(tags)


def _read(operation: Operation, entry: Entry | None) -> Outcome:
    if entry is None:
        return Outcome(404)
    if operation.op == "head":
        return Outcome(200, entry=entry)
    if operation.fields is None:
        return Outcome(200, entry=entry, shown=entry.value)
    shown = picked(entry.value, operation.fields.split(","))
    return Outcome(409, "not_an_object") if shown is None else Outcome(200, entry=entry, shown=shown)


def _put(operation: Operation, entry: Entry | None, now_ms: int) -> Outcome:
    return Outcome(
        201 if entry is None else 200,
        entry=Entry(
            value=operation.value,
            size=len(operation.value.encode()),
            created_ms=now_ms if entry is None else entry.created_ms,
            updated_ms=now_ms,
            expires_s=_expiry(operation, None, now_ms),
            metadata=_metadata(operation, None),
        ),
    )


def _patch(operation: Operation, entry: Entry | None, now_ms: int) -> Outcome:
    if entry is None:
        return Outcome(404)
    value, size = entry.value, entry.size
    if operation.value != KEPT:
        if _members(value) is None:
            return Outcome(409, "not_an_object")
        value, size = merged(value, operation.value), None
    metadata = _metadata(operation, entry)
    expires_s = _expiry(operation, entry, now_ms)
    return Outcome(200, entry=Entry(value, size, entry.created_ms, now_ms, expires_s, metadata))


def _increment(operation: Operation, entry: Entry | None, now_ms: int) -> Outcome:
    number = 0 if entry is None else _integer(entry.value)
    if number is None:
        return Outcome(409, "not_an_integer")
    number += 1 if operation.by is None else operation.by
    if number not in _INT64:
        return Outcome(409, "out_of_range")
    value = str(number)
    expires_s = _expiry(operation, entry, now_ms)
    created_ms, metadata = (now_ms, None) if entry is None else (entry.created_ms, entry.metadata)
    return Outcome(200, entry=Entry(value, len(value), created_ms, now_ms, expires_s, metadata), shown=value)


def _integer(value: Document) -> int | None:
    """Return the number if the text is the canonical form of a 64-bit integer, otherwise None."""
    if not isinstance(value, str) or not value.lstrip("-").isdecimal() or len(value) > 20:
        return None
    return int(value) if str(int(value)) == value and int(value) in _INT64 else None


def _metadata(operation: Operation, entry: Entry | None) -> str | None:
    if operation.metadata == KEPT:
        return None if entry is None else entry.metadata
    return None if operation.metadata is None else compact(operation.metadata)


def _expiry(operation: Operation, entry: Entry | None, now_ms: int) -> int | None:
    if operation.ttl == KEPT:
        return None if entry is None else entry.expires_s
    return None if operation.ttl is None else -(-now_ms // 1000) + operation.ttl


def members(text: str) -> dict[str, str] | None:
    """Return the text of each field of an object, None if `text` is not an object."""
    if not text.startswith("{"):
        return None
    found: dict[str, str] = {}
    place = _skip(text, 1)
    while text[place] != "}":
        name, place = _scan(text, place)
        place = _skip(text, _skip(text, place) + 1)
        _, end = _scan(text, place)
        # The last of several fields with one name counts, at its position.
        found.pop(name, None)
        found[name] = text[place:end]
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return found


def elements(text: str) -> list[str]:
    """Return the text of each element of an array."""
    found = []
    place = _skip(text, 1)
    while text[place] != "]":
        _, end = _scan(text, place)
        found.append(text[place:end])
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return found


def merged(target: Document | None, patch: str) -> Document:
    """Return `target` after a merge patch, as in the pseudocode of RFC 7386."""
    changes = members(patch)
    if changes is None:
        return patch
    result = dict(_members(target) or {})
    for name, text in changes.items():
        if text == "null":
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), text)
    return result


def picked(document: Document, paths: Iterable[str]) -> Document | None:
    """Return the fields of an object selected by paths such as `a` or `b.c`; None if it is not an object."""
    inside = _members(document)
    if inside is None:
        return None
    ends: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        ends.setdefault(name, []).append(rest)
    found: dict[str, Document] = {}
    for name, part in inside.items():
        below = part if "" in ends.get(name, [""]) else picked(part, ends[name])
        if name in ends and below is not None:
            found[name] = below
    return found


def is_spelled(text: str, document: Document) -> bool:
    """Return whether `text` equals the document: the same text, or an object with the same fields."""
    if isinstance(document, str):
        return text == document
    found = members(text)
    return (
        found is not None and list(found) == list(document) and all(map(is_spelled, found.values(), document.values()))
    )


def compact(text: str) -> str:
    """Return a text without the whitespace between its tokens."""
    kept, place = "", 0
    while place < len(text):
        end = _scan(text, place)[1] if text[place] == '"' else place + 1
        kept += text[place:end].strip(" \t\n\r") if end == place + 1 else text[place:end]
        place = end
    return kept


def _skip(text: str, place: int) -> int:
    while text[place] in " \t\n\r":
        place += 1
    return place


def _members(document: Document | None) -> Mapping[str, Document] | None:
    return members(document) if isinstance(document, str) else document
