"""What can be asked of a key, and what comes of it: pure rules.

`apply` is what every write means, whichever way the store carries it out: in one conditional write where it can say the
rule in the store's own terms, else by reading, applying and writing on the condition that nothing has moved.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from kv_common.errors import Conflict, NotFound
from kv_common.json import edit as json_text
from kv_service.values import preconditions
from kv_service.values.model import (
    GREATEST_INTEGER,
    LEAST_INTEGER,
    MAX_VALUE_BYTES,
    StorageFull,
    Version,
    WriteStamp,
    expiry,
    integer_of,
    value_too_large,
)
from kv_service.values.preconditions import Precondition

Ttl = int | UnsetType | None
"""Seconds to live; None for ever; UNSET as it was."""


class Get(msgspec.Struct, frozen=True):
    """Ask for the value of `key`, or for the members of it that `fields` names."""

    key: str
    fields: tuple[tuple[str, ...], ...] = ()
    precondition: Precondition = preconditions.NONE
    consistent: bool = True


class Put(msgspec.Struct, frozen=True):
    """Keep `text` under `key`, in place of all that was there."""

    key: str
    text: str
    ttl_s: int | None = None
    metadata: str | None = None
    precondition: Precondition = preconditions.NONE

    @property
    def size(self) -> int:
        """The text's size in bytes."""
        return len(self.text.encode())


class Patch(msgspec.Struct, frozen=True):
    """Merge `patch`, the text of an object, into an object (RFC 7386), or change what else is known about the key."""

    key: str
    patch: str | None
    ttl_s: Ttl = UNSET
    metadata: str | UnsetType | None = UNSET
    precondition: Precondition = preconditions.NONE


class Increment(msgspec.Struct, frozen=True):
    """Add `by` to an integer, which is 0 where there is none."""

    key: str
    by: int = 1
    ttl_s: Ttl = UNSET
    precondition: Precondition = preconditions.NONE


class Delete(msgspec.Struct, frozen=True):
    """Remove `key`; the same whether it is there or not."""

    key: str
    precondition: Precondition = preconditions.NONE


Write = Put | Patch | Increment | Delete
Command = Get | Write


class WriteResult(msgspec.Struct, frozen=True):
    """What a write left under its key, None for nothing; and whether there was none before."""

    version: Version | None
    created: bool


def apply(command: Write, current: Version | None, moment: WriteStamp, *, room: int) -> WriteResult:
    """Return what `command` makes of the key's version, which must not have expired.

    Raises PreconditionFailed, NotFound, Conflict or PayloadTooLarge where it may not be done.
    """
    command.precondition.require(None if current is None else current.etag)
    match command:
        case Put():
            version = put_version(command, current, moment)
        case Patch():
            version = _patch(command, current, moment)
        case Increment():
            version = _increment(command, current, moment)
        case Delete():
            return WriteResult(None, created=False)
    before = current.stored_bytes if current else 0
    if version.stored_bytes - before > max(0, room):
        raise StorageFull
    return WriteResult(version, created=current is None)


def _patch(command: Patch, current: Version | None, moment: WriteStamp) -> Version:
    if current is None:
        raise no_such_key()
    changed = replace(
        current,
        etag=moment.etag,
        updated_at_ms=moment.now_ms,
        expires_at_s=_expiry(command.ttl_s, current, moment),
        metadata=current.metadata if command.metadata is UNSET else command.metadata,
    )
    if command.patch is None:
        return changed
    text = (current.text or "").encode()
    if not json_text.is_object(text):
        raise no_object()
    merged = json_text.merge(text, command.patch.encode())
    if len(merged) > MAX_VALUE_BYTES:
        raise value_too_large()
    return replace(changed, text=merged.decode(), size=len(merged), object_id=None)


def _increment(command: Increment, current: Version | None, moment: WriteStamp) -> Version:
    number = 0 if current is None else integer_of(current.text or "")
    if number is None:
        raise Conflict("The value is not an integer of 64 bits.", details={"reason": "not_an_integer"})
    number += command.by
    if not LEAST_INTEGER <= number <= GREATEST_INTEGER:
        raise Conflict("The sum has more than 64 bits.", details={"reason": "out_of_range"})
    return Version(
        key=command.key,
        text=str(number),
        size=len(str(number)),
        etag=moment.etag,
        created_at_ms=current.created_at_ms if current else moment.now_ms,
        updated_at_ms=moment.now_ms,
        expires_at_s=_expiry(command.ttl_s, current, moment),
        metadata=current.metadata if current else None,
    )


def _expiry(ttl_s: Ttl, current: Version | None, moment: WriteStamp) -> int | None:
    if ttl_s is UNSET:
        return current.expires_at_s if current else None
    return None if ttl_s is None else expiry(moment.now_ms, ttl_s)


def put_version(command: Put, current: Version | None, moment: WriteStamp) -> Version:
    """Return what a PUT keeps in place of the key's version."""
    return Version(
        key=command.key,
        text=command.text,
        size=command.size,
        etag=moment.etag,
        created_at_ms=current.created_at_ms if current else moment.now_ms,
        updated_at_ms=moment.now_ms,
        expires_at_s=None if command.ttl_s is None else expiry(moment.now_ms, command.ttl_s),
        metadata=command.metadata,
    )


def reads_text(command: Command) -> bool:
    """Return whether a command needs the text that it finds."""
    return isinstance(command, Get) or (isinstance(command, Patch) and command.patch is not None)


def not_modified(command: Get, version: Version) -> bool:
    """Return whether the caller has this version already."""
    tags = command.precondition.if_none_match
    return tags is not None and tags.match(version.etag)


def require_found(command: Get, version: Version | None) -> Version:
    """Return the version that a read asks for.

    Raises NotFound when there is none, PreconditionFailed by `If-Match`, Conflict where members are asked of a
    text that has none.
    """
    if version is None:
        if command.precondition.if_match is not None:
            command.precondition.require(None)
        raise no_such_key()
    if not_modified(command, version):
        return version
    command.precondition.require(version.etag)
    if command.fields and version.text is not None and not json_text.is_object(version.text.encode()):
        raise no_object()
    return version


def no_such_key() -> NotFound:
    """Say that there is nothing under the key."""
    return NotFound("There is no such key.", details={"resource": "key"})


def no_object() -> Conflict:
    """Say that a value has no members."""
    return Conflict("The value is not an object.", details={"reason": "not_an_object"})
