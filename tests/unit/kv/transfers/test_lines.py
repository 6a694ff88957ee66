"""The lines of an export: any text comes back byte for byte, wherever the file is cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import PayloadTooLarge, ValidationError
from kv_service.transfers import ndjson
from kv_service.transfers.ndjson import Entry, Line
from kv_service.values.model import MAX_VALUE_BYTES, Version
from tests.support import json_texts

NOW_MS = 1_795_176_000_250

keys = st.from_regex(r"[A-Za-z0-9:_.-]{1,40}", fullmatch=True).filter(lambda key: key not in (".", ".."))
moments = st.integers(0, 4_102_444_800)


def version(key: str, text: str, expires_at_s: int | None = None, metadata: str | None = None) -> Version:
    return Version(key, text, len(text.encode()), "etag", NOW_MS, NOW_MS + 1, expires_at_s, metadata)


def read(text: bytes) -> Entry:
    return ndjson.read(Line(1, len(text), text))


@given(keys, json_texts.values, st.none() | moments, st.none() | st.sampled_from(["{}", '{"a":"é"}', '{"b":[1,2.0]}']))
def test_a_line_gives_back_what_was_stored_byte_for_byte(
    key: str, text: str, expires_at_s: int | None, metadata: str | None
) -> None:
    line = ndjson.write(version(key, text, expires_at_s, metadata))

    assert read(line) == Entry(key, text, expires_at_s, metadata)


@given(json_texts.values)
def test_a_line_is_one_line_for_any_reader_and_its_value_means_the_same(text: str) -> None:
    line = ndjson.write(version("k", text))

    assert line.count(b"\n") == 1
    assert b"\r" not in line
    shown = json.loads(line)
    assert repr(shown["value"]) == repr(json.loads(text))
    assert ("text" in shown) == ("\n" in text or "\r" in text)


def test_a_line_looks_as_it_is_documented() -> None:
    one = version("greeting", '{"hello": "world"}', 1_893_456_000, '{"by":"me"}')
    assert ndjson.write(one).decode() == (
        '{"key":"greeting","value":{"hello": "world"},"created_at":"2026-11-20T12:00:00.250Z",'
        '"updated_at":"2026-11-20T12:00:00.251Z","expires_at":"2030-01-01T00:00:00.000Z","metadata":{"by":"me"}}\n'
    )
    two = version("pretty", '{\n  "a": 1\r\n}')
    assert ndjson.write(two).decode() == (
        '{"key":"pretty","value":{   "a": 1  },"created_at":"2026-11-20T12:00:00.250Z",'
        '"updated_at":"2026-11-20T12:00:00.251Z","text":"{\\n  \\"a\\": 1\\r\\n}"}\n'
    )


def test_a_line_of_somebody_elses_making_is_read_as_json() -> None:
    assert read(b' {"value" : 1.0 , "k\\u0065y" : "a\\u0062"}\r') == Entry("ab", "1.0", None, None)
    assert read(b'{"key":"a","value":null,"expires_at":null,"metadata":null}') == Entry("a", "null", None, None)
    late = read(b'{"key":"a","value":1,"expires_at":"2030-01-01T01:00:00.001+01:00","metadata":{ "a" : 1 }}')
    assert late == Entry("a", "1", 1_893_456_001, '{"a":1}')


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"[]", "The line must be a JSON object."),
        (b"{", "The line is not well-formed JSON."),
        (b'{"key":"a"}', "The line needs the member 'value'."),
        (b'{"value":1}', "The line needs the member 'key'."),
        (b'{"key":1,"value":1}', "The key must be a string."),
        (b'{"key":"a b","value":1}', "A key is 1 to 255"),
        (b'{"key":"\\ud800","value":1}', "The key must be a string."),
        (b'{"key":"a","value":1,"ttl":1}', "The line has an unknown field: 'ttl'."),
        (b'{"key":"a","value":1,"value":2}', "The line repeats the field 'value'."),
        (b'{"key":"a","value":NaN}', "The line is not well-formed JSON."),
        (b'{"key":"a","value":"\xff"}', "The line is not valid UTF-8."),
        (b'{"key":"a","value":1,"expires_at":1893456000}', "The expires_at is a timestamp"),
        (b'{"key":"a","value":1,"expires_at":"2030-01-01"}', "The expires_at is a timestamp"),
        (b'{"key":"a","value":1,"expires_at":"2030-02-30T00:00:00Z"}', "The expires_at is a timestamp"),
        (b'{"key":"a","value":1,"metadata":[]}', "The metadata must be an object"),
        (b'{"key":"a","value":1,"text":1}', "The text must be a string."),
        (b'{"key":"a","value":1,"text":"2"}', "The text must be the value's"),
        (b'{"key":"a","value":[ 1],"text":"[1]"}', "The text must be the value's"),
        # It would be no JSON: a string has no line breaks.
        (b'{"key":"a","value":"a b","text":"\\"a\\nb\\""}', "The text is not well-formed JSON."),
        (b'{"key":"a","value":1,"text":"1,\\"value\\":1"}', "The text"),
    ],
)
def test_a_line_that_cannot_be_imported_says_why(line: bytes, says: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        read(line)
    assert refusal.value.message.startswith(says)


def test_values_and_metadata_have_the_limits_that_they_have_in_requests() -> None:
    largest = b'"' + b"a" * (MAX_VALUE_BYTES - 2) + b'"'
    assert len(read(b'{"key":"a","value":%b}' % largest).text) == MAX_VALUE_BYTES
    with pytest.raises(PayloadTooLarge) as refusal:
        read(b'{"key":"a","value":%b }' % largest.replace(b"a", b"aa", 1))
    assert refusal.value.details["reason"] == "value_size"
    with pytest.raises(PayloadTooLarge) as refusal:
        read(b'{"key":"a","value":1,"metadata":{"a":"%b"}}' % (b"a" * 1_024))
    assert refusal.value.details["reason"] == "metadata_size"


def test_the_longest_line_of_an_export_can_be_imported() -> None:
    text = "[" + "\n" * (MAX_VALUE_BYTES - 2) + "]"
    line = ndjson.write(version("k" * 255, text, 1_893_456_000, '{"a":"' + "é" * 500 + '"}'))
    assert len(line) <= ndjson.MAX_LINE_BYTES
    assert read(line).text == text


files = st.lists(st.sampled_from([b"", b" \t\r", b"a", b"bc", b"\xc3\xa9\r", b"d" * 9]), max_size=12).map(b"\n".join)


def blocks(file: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(file) + 1) for cut in cuts} | {0, len(file)})
    return [file[start:end] for start, end in pairwise(places)]


@given(files, st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_wherever_the_file_is_cut(file: bytes, cuts: list[int]) -> None:
    found = list(ndjson.cut(blocks(file, cuts), offset=0, number=0))

    assert [line.number for line in found] == list(range(1, len(found) + 1))
    assert [line.text for line in found] == file.removesuffix(b"\n").split(b"\n") * bool(file)
    assert all(line.is_blank == (not (line.text or b"").strip()) for line in found)


@given(files, st.lists(st.integers(0, 200), max_size=8), st.integers(0, 20))
def test_reading_goes_on_after_any_line_where_it_was_left(file: bytes, cuts: list[int], taken: int) -> None:
    whole = list(ndjson.cut([file], offset=0, number=0))
    before = whole[:taken]
    offset, number = (before[-1].end, before[-1].number) if before else (0, 0)

    rest = list(ndjson.cut(blocks(file[offset:], cuts), offset=offset, number=number))

    assert before + rest == whole


def test_reading_stops_at_a_line_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LINE_BYTES", 3)
    for cut in ([b"abc\nabcd\nabc"], [b"abc\nab", b"cd", b"e\nabc"], [b"abc\n", b"abcdefgh"]):
        found = list(ndjson.cut(cut, offset=0, number=0))
        assert [(line.number, line.text) for line in found] == [(1, b"abc"), (2, None)]
    [line] = ndjson.cut([b"abcd"], offset=0, number=0)
    with pytest.raises(PayloadTooLarge) as refusal:
        ndjson.read(line)
    assert refusal.value.details == {"reason": "line_size", "max_bytes": 3}
