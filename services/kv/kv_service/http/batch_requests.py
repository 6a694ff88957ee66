"""Several operations in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from kv_common import identifiers
from kv_common.api_keys import Scope
from kv_common.errors import AppError, ValidationError, field_error
from kv_common.json import edit as json_text
from kv_common.json import strict as strict_json
from kv_service.http import value_requests
from kv_service.values import command_fields, preconditions
from kv_service.values.commands import Command, Delete, Get, Increment, Patch, Put
from kv_service.values.idempotency import read_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.http import Request
    from kv_service.values.idempotency import IdempotencyKey

MAX_OPERATIONS = 100

_ENVELOPE_DEPTH = 3  # the array, the operation, and one more, so that a value that is too deep is told by its index
_COMMON = frozenset({"op", "key", "if_match", "if_none_match"})
_MEMBERS = {
    "get": _COMMON | {"fields"},
    "put": _COMMON | {*command_fields.VALUE_FIELDS},
    "patch": _COMMON - {"if_none_match"} | {*command_fields.VALUE_FIELDS},
    "increment": _COMMON - {"if_none_match"} | {"by", "ttl"},
    "delete": _COMMON - {"if_none_match"},
}
_ALL_MEMBERS = frozenset().union(*_MEMBERS.values())
_SCOPES = {Get: Scope.READ, Put: Scope.WRITE, Patch: Scope.WRITE, Increment: Scope.WRITE, Delete: Scope.DELETE}

Decoded = TypeVar("Decoded")

_text = msgspec.json.Decoder(str)
_truth = msgspec.json.Decoder(bool)


class Batch(msgspec.Struct, frozen=True):
    """Operations in their order; an atomic batch happens at one moment, all of it or nothing."""

    operations: tuple[Command, ...]
    atomic: bool

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes that its operations need."""
        return frozenset(_SCOPES[type(one)] for one in self.operations)


def read_batch(request: Request) -> tuple[Batch, IdempotencyKey | None]:
    """Return the batch, and its idempotency key if it has one.

    What is malformed in it is refused with the index of its operation.
    """
    request.query(allowed=())
    value_requests.refuse(request, "if-match", "if-none-match")
    value_requests.read_precondition(request)
    if len(request.body) > value_requests.MAX_BODY_BYTES:
        raise value_requests.body_too_large()
    members = strict_json.split_object(
        request.body, allowed=("operations", "atomic"), depth=strict_json.MAX_DEPTH + _ENVELOPE_DEPTH
    )
    texts = json_text.elements(members["operations"]) if json_text.is_array(members.get("operations", b"")) else []
    once = read_once(request)
    # The answer takes a place in the transaction.
    most = MAX_OPERATIONS if once is None else MAX_OPERATIONS - 1
    if not 1 <= len(texts) <= most:
        raise field_error("operations", "out_of_range", f"The operations are an array of 1 to {most} operations.")
    operations = tuple(_read_operation(index, text) for index, text in enumerate(texts))
    return Batch(operations, atomic=_decode(_truth, members, "atomic") or False), once


def _read_operation(index: int, text: bytes) -> Command:
    try:
        return _command(strict_json.split_object(text, allowed=_ALL_MEMBERS))
    except ValidationError as problem:
        raise problem.within(f"operations.{index}") from problem
    except AppError as problem:
        problem.details["index"] = index
        raise


def _command(members: Mapping[str, bytes]) -> Command:
    op = _decode(_text, members, "op")
    if op not in _MEMBERS:
        raise field_error("op", "not_allowed", f"The op is one of {', '.join(_MEMBERS)}.")
    for name in members:
        if name not in _MEMBERS[op]:
            raise strict_json.unknown_field(name, _MEMBERS[op], f"A {op} takes no member {name!r}.")
    key = identifiers.key(_decode(_text, members, "key") or "")
    precondition = preconditions.read(_decode(_text, members, "if_match"), _decode(_text, members, "if_none_match"))
    match op:
        case "get":
            return Get(
                key, fields=value_requests.read_fields(_decode(_text, members, "fields")), precondition=precondition
            )
        case "put":
            return command_fields.put_of(key, members, precondition)
        case "patch":
            return command_fields.patch_of(key, members, precondition)
        case "increment":
            return command_fields.increment_of(key, members, precondition)
        case _:
            return Delete(key, precondition)


def _decode(decoder: msgspec.json.Decoder[Decoded], members: Mapping[str, bytes], name: str) -> Decoded | None:
    if name not in members:
        return None
    try:
        return decoder.decode(members[name])
    except msgspec.DecodeError as error:
        raise field_error(name, "invalid_format", f"The member {name!r} is malformed.") from error
