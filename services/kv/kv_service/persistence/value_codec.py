"""How a version of a key is stored in the table.

    v    the text: a string as it is, or bytes, deflated, where that saves a write unit
    n    in its place, the text of an integer of 64 bits, so that the table itself can add to it
    o    in its place, the id of the object that holds a text too large for the table
    s    the text's size in bytes; not beside n
    c u  when the key was created, and when this version was written (ms since 1970)
    e    the ETag
    ttl  the second it expires at; absent where it never does
    m    metadata, a JSON text; absent where there is none

Names are short because they count: an item of up to 1,024 bytes, names and keys and all, costs one write unit.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from kv_service.values.model import Version, integer_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from kv_common.dynamodb.items import Item

_UNIT = 1_024
_OVERHEAD = 72  # names, partition key, times, size and ETag, rounded up
_LEVEL = 6
# Window and memory of deflate; negative for no header and no checksum, for the table has its own. Small ones are made
# ready in a fraction of the time of the largest, which inflates what any has deflated.
_WINDOW, _SMALL_WINDOW, _SMALL = (-15, 8), (-12, 4), 4_096


def encode(version: Version) -> Item:
    """Return all attributes of a version but its key; its text must fit, or stand in an object already."""
    item: Item = {
        **encode_text(version),
        "c": {"N": str(version.created_at_ms)},
        "u": {"N": str(version.updated_at_ms)},
        "e": {"S": version.etag},
    }
    if version.expires_at_s is not None:
        item["ttl"] = {"N": str(version.expires_at_s)}
    if version.metadata is not None:
        item["m"] = {"S": version.metadata}
    return item


def encode_text(version: Version) -> Item:
    """Return the attributes that hold a version's text, and its size."""
    size: Item = {"s": {"N": str(version.size)}}
    if version.object_id is not None:
        return {"o": {"S": version.object_id}, **size}
    text = version.text or ""
    if integer_of(text) is not None:
        return {"n": {"N": text}}
    packed = _packed(version, text)
    return {"v": {"S": text} if packed is None else {"B": packed}, **size}


def decode(key: str, item: Mapping[str, AttributeValueTypeDef]) -> Version:
    """Return the version that an item holds; its text is None if it was not read or is stored as an object."""
    text: str | None = None
    if "n" in item:
        text = item["n"]["N"]
        size = len(text)
    else:
        size = int(item["s"]["N"])
        if "v" in item:
            value = item["v"]
            text = value["S"] if "S" in value else zlib.decompress(value["B"], _WINDOW[0]).decode()
    return Version(
        key=key,
        text=text,
        size=size,
        etag=item["e"]["S"],
        created_at_ms=int(item["c"]["N"]),
        updated_at_ms=int(item["u"]["N"]),
        expires_at_s=int(item["ttl"]["N"]) if "ttl" in item else None,
        metadata=item["m"]["S"] if "m" in item else None,
        object_id=item["o"]["S"] if "o" in item else None,
    )


def _packed(version: Version, text: str) -> bytes | None:
    """Return the text deflated, if that costs fewer write units than it does as it is."""
    others = _OVERHEAD + len(version.key) + _metadata_bytes(version)
    if others + version.size <= _UNIT:
        return None
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, *(_SMALL_WINDOW if version.size <= _SMALL else _WINDOW))
    packed = deflate.compress(text.encode()) + deflate.flush()
    return packed if _units(others + len(packed)) < _units(others + version.size) else None


def _metadata_bytes(version: Version) -> int:
    return len((version.metadata or "").encode())


def _units(size: int) -> int:
    return -(-size // _UNIT)
