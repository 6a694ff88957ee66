"""Splits JSON objects strictly: RFC 8259's grammar, no duplicate fields, bounded nesting, every byte preserved.

`json.loads` accepts NaN, Infinity, a byte order mark and duplicate names, and raises RecursionError on deep nesting.
msgspec checks the grammar without building objects; this module adds the other checks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from kv_common.errors import WHOLE_BODY, FieldError, PayloadTooLarge, ValidationError, field_error

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_DEPTH = 128
"""Maximum levels of arrays and objects in a field's value."""

MAX_MODEL_BYTES = 65_536
"""Maximum size of a body that is decoded to a model; values have another limit."""

WHITESPACE = b" \t\n\r"
_FIRST_MEMBER = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"[^"\\]*"[ \t\n\r]*:[ \t\n\r]*')
# An unterminated string matches up to the end, without backtracking: the scan is linear for any input.
STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
COLON = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*")
# msgspec rejects escaped lone surrogates, which the grammar allows. A NUL escape has the same length and is valid in
# the same places, also after an escaped backslash, where neither is an escape.
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_NUL_ESCAPE = rb"\\u0000"

_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

Model = TypeVar("Model", bound=msgspec.Struct)


def split_object(
    body: bytes, *, allowed: Collection[str] | None, depth: int = MAX_DEPTH, called: str = "request body"
) -> dict[str, bytes]:
    """Return the JSON text of each field of the object in `body`, byte for byte as it was sent.

    `called` is the name of `body` in errors. Raises ValidationError if `body` is not one well-formed JSON object in
    UTF-8, is nested deeper than `depth` below its fields, repeats a field, or has one that is not in `allowed`.
    """
    _require_utf8(body, called)
    if body.count(b"[") + body.count(b"{") > depth + 1:
        _require_depth(body, depth)
    checked = _SURROGATE_ESCAPE.sub(_NUL_ESCAPE, body) if b"\\u" in body else body
    try:
        members = _members_decoder.decode(checked)
    except msgspec.ValidationError as error:
        raise field_error(WHOLE_BODY, "wrong_type", f"The {called} must be a JSON object.") from error
    except msgspec.DecodeError as error:
        raise malformed_json(called, str(error)) from error
    unknown = [] if allowed is None else sorted(set(members) - set(allowed))
    if unknown:
        raise unknown_field(unknown[0], allowed or (), f"The {called} has an unknown field: {unknown[0]!r}.")
    return _cut(body, {name: len(bytes(raw)) for name, raw in members.items()}, called)


def decode_object(body: bytes, model: type[Model]) -> Model:
    """Return `body` as a `model`; raises ValidationError as `split_object` does, and for a wrong type."""
    if len(body) > MAX_MODEL_BYTES:
        raise PayloadTooLarge(
            f"The request body may have at most {MAX_MODEL_BYTES} bytes.", details={"max_bytes": MAX_MODEL_BYTES}
        )
    split_object(body, allowed=model.__struct_encode_fields__)
    try:
        return msgspec.json.decode(body, type=model)
    except msgspec.ValidationError as error:
        raise field_error(WHOLE_BODY, "invalid_format", f"The request body is invalid: {error}.") from error
    except msgspec.DecodeError as error:
        raise malformed_json("request body", str(error)) from error


def require_model_size(body: bytes) -> None:
    """Raise PayloadTooLarge for a body that is too large to be read into a model."""
    if len(body) > MAX_MODEL_BYTES:
        raise PayloadTooLarge(
            f"The request body may have {MAX_MODEL_BYTES} bytes at most.", details={"max_bytes": MAX_MODEL_BYTES}
        )


def malformed_json(called: str, reason: str) -> ValidationError:
    """Return the error of a text that violates JSON's grammar; `reason` is the parser's."""
    return ValidationError(
        f"The {called} is not well-formed JSON.", fields=[FieldError(WHOLE_BODY, "malformed_json", reason)]
    )


def unknown_field(name: str, allowed: Collection[str], message: str) -> ValidationError:
    """Return the error of a field that the API does not know."""
    known = f"Allowed: {', '.join(sorted(allowed)) or 'none'}."
    return ValidationError(message, fields=[FieldError(name, "unknown_field", known)])


def _require_utf8(body: bytes, called: str) -> None:
    if not body.strip(WHITESPACE):
        raise field_error(WHOLE_BODY, "required", "The request needs a JSON body.")
    if body.startswith(b"\xef\xbb\xbf"):
        raise field_error(
            WHOLE_BODY, "malformed_json", f"The {called} starts with a byte order mark, which JSON does not allow."
        )
    try:
        body.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"The {called} is not valid UTF-8.",
            fields=[FieldError(WHOLE_BODY, "invalid_utf8", f"invalid byte at offset {error.start}")],
        ) from error


def _require_depth(body: bytes, most: int) -> None:
    depth = 0
    for match in STRING_OR_BRACKET.finditer(body):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > most + 1:
                raise field_error(WHOLE_BODY, "too_deep", f"The JSON is nested more than {most} levels deep.")
        elif token in (b"]", b"}"):
            depth -= 1


def _cut(body: bytes, lengths: dict[str, int], called: str) -> dict[str, bytes]:
    """Return the fields of a well-formed `body`, given the length of each one's (last) value."""
    if not lengths:
        return {}
    if len(lengths) == 1:
        # Most bodies have one field; it is not repeated if only the closing brace follows its value.
        [(name, length)] = lengths.items()
        first = _FIRST_MEMBER.match(body)
        if first and body[first.end() + length :].strip(WHITESPACE) == b"}":
            return {name: body[first.end() : first.end() + length]}
    return _cut_by_scanning(body, lengths, called)


def _cut_by_scanning(body: bytes, lengths: dict[str, int], called: str) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    depth = 0
    for match in STRING_OR_BRACKET.finditer(body):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
        elif depth == 1 and (colon := COLON.match(body, match.end())):
            # As in `lengths`: an escaped surrogate is a NUL there.
            name = str(msgspec.json.decode(_SURROGATE_ESCAPE.sub(_NUL_ESCAPE, token)))
            if name in members:
                raise field_error(name, "repeated", f"The {called} repeats the field {name!r}.")
            members[name] = body[colon.end() : colon.end() + lengths[name]]
    return members
