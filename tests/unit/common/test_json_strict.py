"""kv_common.json.strict."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kv_common.errors import FieldError, ValidationError
from kv_common.json.strict import MAX_DEPTH, decode_object, split_object
from tests.support import json_texts

ALLOWED = ("value", "ttl", "metadata")


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[dict[str, bytes], bytes]:
    """Generate fields and a body with them in any order."""
    names = draw(st.lists(st.sampled_from(ALLOWED), unique=True))
    members = [(name, draw(json_texts.values)) for name in names]
    return {name: text.encode() for name, text in members}, json_texts.envelope(draw, members).encode()


@given(envelopes())
@settings(max_examples=200, deadline=None)
def test_every_field_is_returned_byte_for_byte(made: tuple[dict[str, bytes], bytes]) -> None:
    members, body = made

    assert split_object(body, allowed=ALLOWED) == members


class Pairs(list[tuple[str, Any]]):
    """An object's members as written."""


def refuse_constant(name: str) -> None:
    raise ValueError(name)


_oracle = json.JSONDecoder(parse_constant=refuse_constant, parse_int=str, parse_float=str, object_pairs_hook=Pairs)


def is_acceptable(body: bytes) -> bool:
    """Return whether `body` is valid, by the standard library only."""
    try:
        document = _oracle.decode(body.decode("utf-8", "strict"))
    except ValueError:
        return False
    if not isinstance(document, Pairs):
        return False
    names = [name for name, _ in document]
    return len(set(names)) == len(names) and set(names) <= set(ALLOWED)


def is_accepted(body: bytes) -> bool:
    try:
        split_object(body, allowed=ALLOWED)
    except ValidationError:
        return False
    return True


_significant_bytes = st.one_of(
    st.sampled_from(b'"\\{}[],:0129.-+eEu \t\n\rtrfalsnNI\x00\x1f\x7f\xc3\xed\xa0\x80\xef\xbb\xbf'), st.integers(0, 255)
)


@st.composite
def damaged_bodies(draw: st.DrawFn) -> bytes:
    """Generate a body, perhaps with a repeated or unknown field, and change some bytes."""
    names = draw(st.lists(st.sampled_from([*ALLOWED, "other"]), max_size=3))
    body = bytearray(json_texts.envelope(draw, [(name, draw(json_texts.values)) for name in names]).encode())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        match draw(st.sampled_from(["insert", "delete", "replace"])):
            case "insert":
                body.insert(place, draw(_significant_bytes))
            case "delete":
                del body[place : place + 1]
            case _:
                body[place : place + 1] = bytes([draw(_significant_bytes)])
    return bytes(body)


@given(damaged_bodies())
@settings(max_examples=700, deadline=None)
def test_damaged_body_is_accepted_only_if_the_standard_library_accepts_it(body: bytes) -> None:
    assert is_accepted(body) == is_acceptable(body)


REFUSED = {
    "nothing": b"",
    "white space": b" \n\t\r",
    "an array": b"[1]",
    "a string": b'"value"',
    "a number": b"1",
    "null": b"null",
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": Infinity}',
    "minus Infinity": b'{"value": -Infinity}',
    "a byte order mark": b'\xef\xbb\xbf{"value": 1}',
    "a byte order mark behind white space": b' \xef\xbb\xbf{"value": 1}',
    "UTF-16": '{"value": 1}'.encode("utf-16"),
    "a byte that is not UTF-8": b'{"value": "\xff"}',
    "an overlong encoding": b'{"value": "\xc0\xaf"}',
    "an encoded surrogate": b'{"value": "\xed\xa0\x80"}',
    "a cut-off character": b'{"value": "\xe2\x82"}',
    "text behind the object": b'{"value": 1} x',
    "a second object": b'{"value": 1}{}',
    "single quotes": b"{'value': 1}",
    "a bare name": b"{value: 1}",
    "a block comment": b'{"value": 1 /* one */}',
    "a line comment": b'{"value": 1} // one',
    "a trailing comma": b'{"value": 1,}',
    "a trailing comma in an array": b'{"value": [1,]}',
    "a leading comma": b'{,"value": 1}',
    "a leading zero": b'{"value": 01}',
    "a leading plus": b'{"value": +1}',
    "a bare fraction": b'{"value": .5}',
    "a bare point": b'{"value": 1.}',
    "an empty exponent": b'{"value": 1e}',
    "a hexadecimal number": b'{"value": 0x1}',
    "a lone minus": b'{"value": -}',
    "digits that are not ASCII": '{"value": ٣}'.encode(),
    "a newline in a string": b'{"value": "\n"}',
    "a tab in a string": b'{"value": "\t"}',
    "a NUL in a string": b'{"value": "\x00"}',
    "a NUL behind the object": b'{"value": 1}\x00',
    "a form feed as white space": b'{"value":\x0c1}',
    "a no-break space as white space": b'{"value":\xc2\xa01}',
    "an unknown escape": rb'{"value": "\x41"}',
    "a short unicode escape": rb'{"value": "\u12"}',
    "an unterminated string": b'{"value": "abc',
    "an unterminated object": b'{"value": 1',
    "a missing value": b'{"value": }',
    "a missing colon": b'{"value" 1}',
    "a missing name": b"{: 1}",
    "a capital True": b'{"value": True}',
    "crossed brackets": b'{"value": [1}]',
    "a repeated member": b'{"value": 1, "value": 2}',
    "a repeated member of the same value": b'{"value": 1, "value": 1}',
    "a member repeated with escapes": rb'{"value": 1, "\u0076alue": 2}',
    "a member repeated with escapes first": rb'{"\u0076\u0061lue": 1, "value": 2}',
    "a member repeated around another": b'{"value": 1, "ttl": 2, "value": 3}',
    "an unknown member": b'{"value": 1, "vaule": 2}',
    "a member of another case": b'{"Value": 1}',
    "a member without a name": b'{"": 1}',
    "a member named by a lone surrogate": rb'{"\ud800": 1}',
    "a member named by an escaped character beyond the BMP": rb'{"\ud83d\ude00": 1}',
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_body_that_is_not_a_strict_json_object_is_rejected(body: bytes) -> None:
    with pytest.raises(ValidationError):
        split_object(body, allowed=ALLOWED)


ACCEPTED = {
    "no members": (b" { } ", {}),
    "an object with the envelope's own names": (b'{"value": {"value": 1}}', {"value": b'{"value": 1}'}),
    "names repeated further down": (b'{"value": {"a": 1, "a": 2}}', {"value": b'{"a": 1, "a": 2}'}),
    "an unknown name further down": (b'{"value": {"other": 1}}', {"value": b'{"other": 1}'}),
    "an escaped name": (rb'{"\u0076alue": 1}', {"value": b"1"}),
    "a member's text in another's string": (
        rb'{"ttl": "\"value\": 2", "value": 1}',
        {"ttl": rb'"\"value\": 2"', "value": b"1"},
    ),
    "a float without a fraction": (b'{"value": 1.0}', {"value": b"1.0"}),
    "minus zero": (b'{"value": -0}', {"value": b"-0"}),
    "a number beyond double precision": (b'{"value": 1e400}', {"value": b"1e400"}),
    "60 digits": (b'{"value": ' + b"7" * 60 + b"}", {"value": b"7" * 60}),
    "5,000 digits": (b'{"value": ' + b"7" * 5_000 + b"}", {"value": b"7" * 5_000}),
    "an escaped lone surrogate": (rb'{"value": "\ud800"}', {"value": rb'"\ud800"'}),
    "escaped surrogates the wrong way round": (rb'{"value": "\uDC00\uD800"}', {"value": rb'"\uDC00\uD800"'}),
    "an escaped surrogate pair": (rb'{"value": "\ud83d\ude00"}', {"value": rb'"\ud83d\ude00"'}),
    "an escaped backslash before what looks like one": (rb'{"value": "\\ud800"}', {"value": rb'"\\ud800"'}),
    "three backslashes before it": (rb'{"value": "\\\ud800"}', {"value": rb'"\\\ud800"'}),
    "an escaped NUL": (rb'{"value": "\u0000"}', {"value": rb'"\u0000"'}),
    "DEL in a string": (b'{"value": "\x7f"}', {"value": b'"\x7f"'}),
    "a byte order mark in a string": ('{"value": "\ufeff"}'.encode(), {"value": '"\ufeff"'.encode()}),
    "the replacement character": ('{"value": "\ufffd"}'.encode(), {"value": '"\ufffd"'.encode()}),
    "white space within a value": (b'{"value" :\r\n\t[ 1 , 2 ]\n}', {"value": b"[ 1 , 2 ]"}),
    "brackets in a string": (b'{"value": "]}{["}', {"value": b'"]}{["'}),
}


@pytest.mark.parametrize(("body", "members"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_body_within_the_grammar_is_kept_unchanged(body: bytes, members: dict[str, bytes]) -> None:
    assert split_object(body, allowed=ALLOWED) == members


NESTS = {
    "arrays": lambda depth: b"[" * depth + b"]" * depth,
    "objects": lambda depth: b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1),
    "both in turn": lambda depth: (
        (b'[{"a":' * (depth // 2) + b"[]" * (depth % 2) + b"0" * (1 - depth % 2)) + b"}]" * (depth // 2)
    ),
    "the deep one last": lambda depth: b"[" + b"[]," * 300 + b"[" * (depth - 1) + b"]" * (depth - 1) + b"]",
}


@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS.keys())
def test_value_may_have_128_levels(nest: Any) -> None:
    deep, deeper = nest(MAX_DEPTH), nest(MAX_DEPTH + 1)

    assert split_object(b'{"value":' + deep + b"}", allowed=ALLOWED) == {"value": deep}
    with pytest.raises(ValidationError, match="128 levels") as refusal:
        split_object(b'{"value":' + deeper + b"}", allowed=ALLOWED)
    assert refusal.value.fields[0].code == "too_deep"


def test_nesting_is_limited_in_every_field() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert split_object(b'{"ttl":' + deep + b',"value":' + deep + b"}", allowed=ALLOWED) == {
        "ttl": deep,
        "value": deep,
    }

    with pytest.raises(ValidationError, match="128 levels"):
        split_object(b'{"ttl":' + deep + b',"value":[' + deep + b"]}", allowed=ALLOWED)


def test_brackets_in_strings_are_not_nesting() -> None:
    text = b'"' + b"[{" * 500 + rb"\"[[\\" + b'"'

    assert split_object(b'{"value":' + text + b"}", allowed=ALLOWED) == {"value": text}


def test_many_small_arrays_are_not_nesting() -> None:
    text = b"[" + b",".join([b"[]"] * 5_000) + b"]"

    assert split_object(b'{"value":' + text + b"}", allowed=ALLOWED) == {"value": text}


@pytest.mark.parametrize("bracket", [b"[", b"{", b'{"a":', b'[{"a":'], ids=["[", "{", "object", "both"])
def test_body_of_opening_brackets_is_rejected(bracket: bytes) -> None:
    with pytest.raises(ValidationError):
        split_object(bracket * 100_000, allowed=ALLOWED)


@pytest.mark.parametrize("end", [b"", b"\\"], ids=["open", "within an escape"])
def test_unterminated_string_of_escaped_quotes_is_rejected_in_linear_time(end: bytes) -> None:
    body = b'{"value": [' + b"[]," * 130 + b'"' + rb"\"" * 20_000 + end
    started = time.process_time()

    with pytest.raises(ValidationError):
        split_object(body, allowed=ALLOWED)

    # A linear scan takes a millisecond; one that restarts at every quote takes many seconds.
    assert time.process_time() - started < 1


def test_error_of_an_unknown_field_names_it_and_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="'vaule'") as refusal:
        split_object(b'{"vaule": 1}', allowed=ALLOWED)

    assert refusal.value.fields == (FieldError("vaule", "unknown_field", "Allowed: metadata, ttl, value."),)


def test_error_of_a_repeated_field_names_it() -> None:
    with pytest.raises(ValidationError, match="repeats the field 'ttl'"):
        split_object(b'{"ttl": 1, "value": 2, "ttl": 3}', allowed=ALLOWED)


def test_error_of_invalid_utf_8_has_the_offset() -> None:
    with pytest.raises(ValidationError, match="UTF-8") as refusal:
        split_object(b'{"value": "\xff"}', allowed=ALLOWED)

    assert refusal.value.fields[0].message == "invalid byte at offset 11"


class Model(msgspec.Struct):
    """A body with a field of each type."""

    name: str
    count: int = 0
    tags: tuple[str, ...] = ()
    until: str | None = None


def test_body_that_matches_its_model_is_decoded() -> None:
    body = rb'{"count": 3, "name": "\u00e4\ud83d\ude00", "tags": ["a", "b"], "until": null}'

    assert decode_object(body, Model) == Model("ä😀", 3, ("a", "b"), None)


MISFITS = {
    "a number for a string": b'{"name": 1}',
    "null for a string": b'{"name": null}',
    "a string for a number": b'{"name": "n", "count": "3"}',
    "a truth for a number": b'{"name": "n", "count": true}',
    "a fraction for a whole number": b'{"name": "n", "count": 1.5}',
    "a number out of range": b'{"name": "n", "count": 1e400}',
    "a string for an array": b'{"name": "n", "tags": "abc"}',
    "an object for an array": b'{"name": "n", "tags": {}}',
    "an array with a number": b'{"name": "n", "tags": ["a", 1]}',
    "a missing member": b'{"count": 1}',
    "an unknown member": b'{"name": "n", "extra": 1}',
    "a repeated member": b'{"name": "n", "name": "m"}',
    "an array": b'["n"]',
    "nothing": b"",
    "NaN": b'{"name": "n", "count": NaN}',
    "a lone surrogate, which no string of ours can hold": rb'{"name": "\ud800"}',
}


@pytest.mark.parametrize("body", MISFITS.values(), ids=MISFITS.keys())
def test_body_that_does_not_match_its_model_is_rejected(body: bytes) -> None:
    with pytest.raises(ValidationError):
        decode_object(body, Model)


def test_error_of_a_wrong_type_names_the_field_without_its_value() -> None:
    with pytest.raises(ValidationError) as refusal:
        decode_object(b'{"name": {"secret": "hunter2"}}', Model)

    assert "name" in refusal.value.message
    assert "hunter2" not in refusal.value.message + repr(refusal.value.fields)
