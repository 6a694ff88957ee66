"""The file of an export or import: NDJSON, a line per key.

    {"key":"greeting","value":{"hello": "world"},"created_at":"…","updated_at":"…","expires_at":"…","metadata":{…}}

`value` is the JSON text as it was put, byte for byte. JSON allows line breaks between tokens, and a line of NDJSON
cannot have them: such a value has spaces in their place in its line, and its exact text is in `text`, a string.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from kv_common import clock, identifiers
from kv_common.errors import PayloadTooLarge, field_error
from kv_common.json import strict as strict_json
from kv_service.values.command_fields import put_of
from kv_service.values.model import MAX_VALUE_BYTES
from kv_service.values.preconditions import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kv_service.values.model import Version

MAX_LINE_BYTES = 3 * MAX_VALUE_BYTES + 16_384
"""A value, its text again with every character escaped, and the rest."""

_MEMBERS = ("key", "value", "text", "created_at", "updated_at", "expires_at", "metadata")
_BREAKS = str.maketrans("\r\n", "  ")

_string = msgspec.json.Decoder(str)
_optional_string = msgspec.json.Decoder(str | None)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its number, from 1, the offset of the next, and its bytes; None when they are too many."""

    number: int
    end: int
    text: bytes | None

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing, as a file's last line may, and is passed over."""
        return self.text is not None and not self.text.strip(strict_json.WHITESPACE)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says: a key, the JSON text of its value, and what is known about it."""

    key: str
    text: str
    expires_at_s: int | None
    metadata: str | None


def write(version: Version) -> bytes:
    """Return the line of a version whose text was read, with its end."""
    text = version.text or ""
    shown = text.translate(_BREAKS)
    members = [
        f'"key":"{version.key}"',
        f'"value":{shown}',
        f'"created_at":"{clock.timestamp(version.created_at_ms)}"',
        f'"updated_at":"{clock.timestamp(version.updated_at_ms)}"',
    ]
    if version.expires_at_s is not None:
        members.append(f'"expires_at":"{clock.timestamp(version.expires_at_s * 1000)}"')
    if version.metadata is not None:
        members.append(f'"metadata":{version.metadata}')
    if shown != text:
        members.append(f'"text":{msgspec.json.encode(text).decode()}')
    return ("{" + ",".join(members) + "}\n").encode()


def read(line: Line) -> Entry:
    """Return what a line says; ValidationError or PayloadTooLarge when it cannot be imported.

    `created_at` and `updated_at` are taken and not used: an import is what makes its keys.
    """
    if line.text is None:
        raise PayloadTooLarge(
            f"A line may have {MAX_LINE_BYTES} bytes at most.",
            details={"reason": "line_size", "max_bytes": MAX_LINE_BYTES},
        )
    members = strict_json.split_object(line.text, allowed=_MEMBERS, called="line")
    for name in ("key", "value"):
        if name not in members:
            raise field_error(name, "required", f"The line needs the member {name!r}.")
    try:
        key = identifiers.key(_string.decode(members["key"]))
    except msgspec.DecodeError as error:
        raise field_error("key", "wrong_type", "The key must be a string.") from error
    put = put_of(key, members, NONE)
    text = put.text
    if "text" in members:
        text = _exact(members["text"], text)
    return Entry(key, text, _expiry(members), put.metadata)


def cut(blocks: Iterable[bytes], *, offset: int, number: int) -> Iterator[Line]:
    """Cut a file into lines, from `offset` on, before which `number` lines were; also blank ones.

    It ends at a line that is longer than any may be. Never holds more than a block and a line.
    """
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for text in whole:
            offset, number = offset + len(text) + 1, number + 1
            if len(text) > MAX_LINE_BYTES:
                yield Line(number, offset, None)
                return
            yield Line(number, offset, text)
        if len(rest) > MAX_LINE_BYTES:
            yield Line(number + 1, offset, None)
            return
    if rest:
        yield Line(number + 1, offset + len(rest), rest)


def _exact(text: bytes, value: str) -> str:
    """Return the exact text of a value, which may differ from it in line breaks alone."""
    try:
        exact = _string.decode(text)
    except msgspec.DecodeError as error:
        raise field_error("text", "wrong_type", "The text must be a string.") from error
    # Well-formed by itself: a line break in the place of a space must not stand within a string.
    strict_json.split_object(f'{{"value":{exact}}}'.encode("utf-8", "surrogatepass"), allowed=("value",), called="text")
    if exact.translate(_BREAKS) != value.translate(_BREAKS):
        raise field_error(
            "text",
            "wrong_type",
            "The text must be the value's, but for line breaks. Leave it out where the value was changed.",
        )
    return exact


def _expiry(members: dict[str, bytes]) -> int | None:
    """Return the second at which a key expires; what is finer is rounded up, so that it never lasts less."""
    try:
        text = _optional_string.decode(members.get("expires_at", b"null"))
        return None if text is None else -(-clock.milliseconds(text) // 1000)
    except (msgspec.DecodeError, ValueError) as error:
        raise field_error(
            "expires_at", "invalid_format", "The expires_at is a timestamp such as 2030-01-31T12:00:00Z, or null."
        ) from error
