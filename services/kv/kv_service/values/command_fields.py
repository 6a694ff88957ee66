"""Commands from the fields of a JSON object, as bodies, batches and imported lines have them.

Fields are strict JSON already; a value's text is kept as it was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kv_common.errors import WHOLE_BODY, PayloadTooLarge, field_error
from kv_common.json import edit as json_text
from kv_service.values.commands import Increment, Patch, Put, Ttl
from kv_service.values.model import (
    GREATEST_INTEGER,
    LEAST_INTEGER,
    MAX_METADATA_BYTES,
    MAX_TTL_S,
    MAX_VALUE_BYTES,
    value_too_large,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_service.values.preconditions import Precondition

VALUE_FIELDS = ("value", "ttl", "metadata")

Seconds = Annotated[int, Meta(ge=1, le=MAX_TTL_S)]
Integer = Annotated[int, Meta(ge=LEAST_INTEGER, le=GREATEST_INTEGER)]

_ttl: msgspec.json.Decoder[int | None] = msgspec.json.Decoder(Seconds | None)
_integer: msgspec.json.Decoder[int] = msgspec.json.Decoder(Integer)


def put_of(key: str, fields: Mapping[str, bytes], precondition: Precondition) -> Put:
    """Return the PUT that the fields of a body ask for."""
    if "value" not in fields:
        raise field_error("value", "required", "The request body needs the field 'value'.")
    ttl_s = _read_ttl(fields)
    metadata = _read_metadata(fields)
    return Put(
        key,
        _value(fields["value"]),
        ttl_s=None if ttl_s is UNSET else ttl_s,
        metadata=None if metadata is UNSET else metadata,
        precondition=precondition,
    )


def patch_of(key: str, fields: Mapping[str, bytes], precondition: Precondition) -> Patch:
    """Return the PATCH that the fields of a body ask for."""
    if not any(name in fields for name in VALUE_FIELDS):
        raise field_error(WHOLE_BODY, "required", "The request body needs one of 'value', 'ttl' and 'metadata'.")
    if "value" in fields and not json_text.is_object(fields["value"]):
        raise field_error("value", "wrong_type", "The value of a patch must be an object.")
    return Patch(
        key,
        _value(fields["value"]) if "value" in fields else None,
        ttl_s=_read_ttl(fields),
        metadata=_read_metadata(fields),
        precondition=precondition,
    )


def increment_of(key: str, fields: Mapping[str, bytes], precondition: Precondition) -> Increment:
    """Return the increment that the fields of a body ask for."""
    try:
        by = _integer.decode(fields.get("by", b"1"))
    except msgspec.DecodeError as error:
        raise field_error("by", "out_of_range", "An increment is by an integer of 64 bits.") from error
    return Increment(key, by=by, ttl_s=_read_ttl(fields), precondition=precondition)


def _value(text: bytes) -> str:
    if len(text) > MAX_VALUE_BYTES:
        raise value_too_large()
    return text.decode()


def _read_ttl(fields: Mapping[str, bytes]) -> Ttl:
    if "ttl" not in fields:
        return UNSET
    try:
        return _ttl.decode(fields["ttl"])
    except msgspec.DecodeError as error:
        raise field_error(
            "ttl", "out_of_range", f"The ttl is a whole number of seconds from 1 to {MAX_TTL_S}, or null."
        ) from error


def _read_metadata(fields: Mapping[str, bytes]) -> str | UnsetType | None:
    if "metadata" not in fields:
        return UNSET
    text = json_text.compact(fields["metadata"])
    if text == b"null":
        return None
    if not json_text.is_object(text):
        raise field_error("metadata", "wrong_type", "The metadata must be an object, or null.")
    if len(text) > MAX_METADATA_BYTES:
        raise PayloadTooLarge(
            f"The metadata may have {MAX_METADATA_BYTES} bytes at most.",
            details={"reason": "metadata_size", "max_bytes": MAX_METADATA_BYTES},
        )
    return text.decode()
