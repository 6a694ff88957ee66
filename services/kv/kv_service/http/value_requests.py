"""How requests for values are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kv_common import identifiers
from kv_common.errors import WHOLE_BODY, PayloadTooLarge, field_error
from kv_common.json import edit as json_text
from kv_common.json import strict as strict_json
from kv_service.values import preconditions
from kv_service.values.commands import Delete, Get, Increment, Patch, Put, Ttl
from kv_service.values.model import (
    GREATEST_INTEGER,
    LEAST_INTEGER,
    MAX_METADATA_BYTES,
    MAX_TTL_S,
    MAX_VALUE_BYTES,
    value_too_large,
)
from kv_service.values.pages import DEFAULT_PAGE, MAX_PAGE, PageRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.http import Request
    from kv_service.values.preconditions import Precondition

MAX_BODY_BYTES = MAX_VALUE_BYTES + 10_000
"""The value, metadata, and room for the rest of the envelope."""

MAX_FIELDS = 100

VALUE_MEMBERS = ("value", "ttl", "metadata")

_REFUSED = ("if-modified-since", "if-unmodified-since", "if-range", "range")
_IDEMPOTENCY_KEY = "idempotency-key"
_CONSISTENCY = {"strong": True, "eventual": False}
_LIMIT = re.compile(r"[0-9]{1,4}", re.ASCII)

Seconds = Annotated[int, Meta(ge=1, le=MAX_TTL_S)]
Integer = Annotated[int, Meta(ge=LEAST_INTEGER, le=GREATEST_INTEGER)]

_ttl: msgspec.json.Decoder[int | None] = msgspec.json.Decoder(Seconds | None)
_integer: msgspec.json.Decoder[int] = msgspec.json.Decoder(Integer)


def read_get(request: Request, key: str) -> Get:
    """Return what a GET asks for."""
    refuse(request, _IDEMPOTENCY_KEY)
    query = request.query(allowed=("fields", "consistency"))
    return Get(
        identifiers.key(key),
        fields=read_fields(query.get("fields")),
        precondition=read_precondition(request),
        consistent=_consistency(query, default="strong"),
    )


def read_head(request: Request, key: str) -> Get:
    """Return what a HEAD asks for."""
    refuse(request, _IDEMPOTENCY_KEY)
    query = request.query(allowed=("consistency",))
    return Get(
        identifiers.key(key), precondition=read_precondition(request), consistent=_consistency(query, default="strong")
    )


def read_put(request: Request, key: str) -> Put:
    """Return what a PUT stores."""
    request.query(allowed=())
    return put_of(identifiers.key(key), _members(request, VALUE_MEMBERS), read_precondition(request))


def read_patch(request: Request, key: str) -> Patch:
    """Return what a PATCH changes."""
    request.query(allowed=())
    return patch_of(identifiers.key(key), _members(request, VALUE_MEMBERS), _only_if_match(request))


def read_increment(request: Request, key: str) -> Increment:
    """Return by how much an integer is to grow; without a body, by one."""
    request.query(allowed=())
    members = _members(request, ("by", "ttl")) if request.body else {}
    return increment_of(identifiers.key(key), members, _only_if_match(request))


def read_delete(request: Request, key: str) -> Delete:
    """Return what a DELETE removes."""
    refuse(request, _IDEMPOTENCY_KEY)
    request.query(allowed=())
    return Delete(identifiers.key(key), _only_if_match(request))


def read_page(request: Request) -> PageRequest:
    """Return what a list asks for."""
    refuse(request, *_REFUSED, "if-match", "if-none-match", _IDEMPOTENCY_KEY)
    query = request.query(allowed=("prefix", "limit", "cursor", "include", "consistency"))
    if query.get("include", "metadata") != "metadata":
        raise field_error("include", "not_allowed", "A list can include 'metadata' and nothing else.")
    return PageRequest(
        prefix=identifiers.key_prefix(query.get("prefix", "")),
        limit=_page_limit(query.get("limit")),
        cursor=query.get("cursor"),
        metadata="include" in query,
        consistent=_consistency(query, default="eventual"),
    )


def read_precondition(request: Request) -> Precondition:
    """Return the precondition in a request's headers."""
    refuse(request, *_REFUSED)
    return preconditions.read(request.header("if-match"), request.header("if-none-match"))


def read_fields(text: str | None) -> tuple[tuple[str, ...], ...]:
    """Return the paths of members in a `fields` parameter such as `a,b.c`; none where it is absent."""
    if text is None:
        return ()
    paths = tuple(tuple(path.split(".")) for path in text.split(","))
    if len(paths) > MAX_FIELDS or any(not name for path in paths for name in path):
        raise field_error(
            "fields",
            "invalid_format",
            f"The fields are up to {MAX_FIELDS} names of members, separated by commas; dots lead to inner members.",
        )
    return paths


def put_of(key: str, members: Mapping[str, bytes], precondition: Precondition) -> Put:
    """Return what a PUT with these members of its body stores."""
    if "value" not in members:
        raise field_error("value", "required", "The request body needs the member 'value'.")
    ttl_s = _read_ttl(members)
    metadata = _read_metadata(members)
    return Put(
        key,
        _value(members["value"]),
        ttl_s=None if ttl_s is UNSET else ttl_s,
        metadata=None if metadata is UNSET else metadata,
        precondition=precondition,
    )


def patch_of(key: str, members: Mapping[str, bytes], precondition: Precondition) -> Patch:
    """Return what a PATCH with these members of its body changes."""
    if not any(name in members for name in VALUE_MEMBERS):
        raise field_error(WHOLE_BODY, "required", "The request body needs one of 'value', 'ttl' and 'metadata'.")
    if "value" in members and not json_text.is_object(members["value"]):
        raise field_error("value", "wrong_type", "The value of a patch must be an object.")
    return Patch(
        key,
        _value(members["value"]) if "value" in members else None,
        ttl_s=_read_ttl(members),
        metadata=_read_metadata(members),
        precondition=precondition,
    )


def increment_of(key: str, members: Mapping[str, bytes], precondition: Precondition) -> Increment:
    """Return what an increment with these members of its body adds."""
    try:
        by = _integer.decode(members.get("by", b"1"))
    except msgspec.DecodeError as error:
        raise field_error("by", "out_of_range", "An increment is by an integer of 64 bits.") from error
    return Increment(key, by=by, ttl_s=_read_ttl(members), precondition=precondition)


def body_too_large() -> PayloadTooLarge:
    """Say that a body is larger than any may be."""
    return PayloadTooLarge(
        f"A body may have {MAX_BODY_BYTES} bytes at most.",
        details={"reason": "body_size", "max_bytes": MAX_BODY_BYTES},
    )


def _members(request: Request, allowed: tuple[str, ...]) -> dict[str, bytes]:
    if len(request.body) > MAX_BODY_BYTES:
        raise value_too_large()
    return strict_json.split_object(request.body, allowed=allowed)


def _value(text: bytes) -> str:
    if len(text) > MAX_VALUE_BYTES:
        raise value_too_large()
    return text.decode()


def _read_ttl(members: Mapping[str, bytes]) -> Ttl:
    if "ttl" not in members:
        return UNSET
    try:
        return _ttl.decode(members["ttl"])
    except msgspec.DecodeError as error:
        raise field_error(
            "ttl", "out_of_range", f"The ttl is a whole number of seconds from 1 to {MAX_TTL_S}, or null."
        ) from error


def _read_metadata(members: Mapping[str, bytes]) -> str | UnsetType | None:
    if "metadata" not in members:
        return UNSET
    text = json_text.compact(members["metadata"])
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


def _only_if_match(request: Request) -> Precondition:
    refuse(request, "if-none-match")
    return read_precondition(request)


def refuse(request: Request, *headers: str) -> None:
    """Raise ValidationError where one of the headers is sent: ignoring it would break what the caller relies on."""
    for name in headers:
        if request.header(name) is not None:
            raise field_error(name, "not_supported", f"The header {name} is not supported here.")


def _consistency(query: Mapping[str, str], *, default: str) -> bool:
    wanted = query.get("consistency", default)
    if wanted not in _CONSISTENCY:
        raise field_error("consistency", "not_allowed", "The consistency is 'strong' or 'eventual'.")
    return _CONSISTENCY[wanted]


def _page_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_PAGE:
        raise field_error("limit", "out_of_range", f"The limit is a whole number from 1 to {MAX_PAGE}.")
    return int(text)
