"""How requests for values are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kv_common import identifiers
from kv_common.errors import PayloadTooLarge, field_error
from kv_common.json import strict as strict_json
from kv_service.values import command_fields, preconditions
from kv_service.values.command_fields import VALUE_FIELDS
from kv_service.values.commands import Delete, Get, Increment, Patch, Put
from kv_service.values.model import (
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


_REFUSED = ("if-modified-since", "if-unmodified-since", "if-range", "range")
_IDEMPOTENCY_KEY = "idempotency-key"
_CONSISTENCY = {"strong": True, "eventual": False}
_LIMIT = re.compile(r"[0-9]{1,4}", re.ASCII)


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
    return command_fields.put_of(identifiers.key(key), _members(request, VALUE_FIELDS), read_precondition(request))


def read_patch(request: Request, key: str) -> Patch:
    """Return what a PATCH changes."""
    request.query(allowed=())
    return command_fields.patch_of(identifiers.key(key), _members(request, VALUE_FIELDS), _only_if_match(request))


def read_increment(request: Request, key: str) -> Increment:
    """Return by how much an integer is to grow; without a body, by one."""
    request.query(allowed=())
    members = _members(request, ("by", "ttl")) if request.body else {}
    return command_fields.increment_of(identifiers.key(key), members, _only_if_match(request))


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
