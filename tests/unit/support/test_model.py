"""The model, compared with RFC 7386's examples and the standard library's JSON parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support import json_texts
from tests.support.model import Document, Model, Operation, compact, is_spelled, members, merged, picked

NOW_MS = 1_750_000_000_000

RFC_7386 = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7386)
def test_merge_patch_matches_the_examples_of_the_rfc(target: str, patch: str, result: str) -> None:
    assert is_spelled(result, merged(target, patch))


def plain(document: Document | None) -> Any:
    """Return a document as parsed by the standard library."""
    if isinstance(document, dict):
        return {name: plain(part) for name, part in document.items()}
    return None if document is None else json.loads(document, parse_int=str, parse_float=str)


@given(json_texts.texts)
@settings(deadline=None)
def test_fields_of_an_object_match_the_standard_library(text: str) -> None:
    whole = plain(text)
    parts = members(text)

    assert (parts is None) is not isinstance(whole, dict)
    assert parts is None or {name: plain(part) for name, part in parts.items()} == whole
    assert parts is None or all(part in text for part in parts.values())


def test_key_expires_at_its_second_and_can_be_created_again() -> None:
    model = Model()
    model.apply(Operation("put", "a", "1", ttl=5), NOW_MS + 1)

    assert model.apply(Operation("get", "a"), NOW_MS + 5_999).status == 200
    assert model.apply(Operation("get", "a"), NOW_MS + 6_000).status == 404
    assert model.keys("", NOW_MS + 6_000) == []
    made = model.apply(Operation("put", "a", "2"), NOW_MS + 7_000)
    assert made.entry is not None
    assert (made.status, made.entry.created_ms, made.entry.expires_s) == (201, NOW_MS + 7_000, None)


@pytest.mark.parametrize("text", ["-0", "01", "1.0", "1e2", '"1"', "null", "9223372036854775808"])
def test_only_the_canonical_text_of_an_int64_can_be_incremented(text: str) -> None:
    model = Model()
    model.apply(Operation("put", "a", text), NOW_MS)

    refused = model.apply(Operation("increment", "a"), NOW_MS)
    assert (refused.status, refused.reason) == (409, "not_an_integer")


def test_increments_are_bounded_to_int64() -> None:
    model = Model()
    for by in (2**63 - 1, -1, 1):
        assert model.apply(Operation("increment", "a", by=by), NOW_MS).status == 200
    assert model.apply(Operation("increment", "a"), NOW_MS).reason == "out_of_range"
    model.apply(Operation("put", "a", str(-(2**63))), NOW_MS)
    assert model.apply(Operation("increment", "a", by=-1), NOW_MS).reason == "out_of_range"


@pytest.mark.parametrize(
    ("condition", "matched", "differs"),
    [
        ("*", 200, 304),
        ('"x"', 200, 304),
        ('"y", "x"', 200, 304),
        ('"y"', 412, 200),
        ('W/"x"', 412, 304),
    ],
)
def test_if_match_compares_strongly_and_if_none_match_weakly(condition: str, matched: int, differs: int) -> None:
    model = Model()
    model.apply(Operation("put", "a", "1"), NOW_MS)
    model.learn("a", etag='"x"')

    assert model.apply(Operation("get", "a", if_match=condition), NOW_MS).status == matched
    assert model.apply(Operation("get", "a", if_none_match=condition), NOW_MS).status == differs


def test_fields_select_existing_fields_only() -> None:
    document = '{"a": 1.0, "b": {"c": [2], "d": 3}, "e": 4, "f": 5}'

    assert picked(document, ["b.c", "a", "x", "a.b", "e.y", "b.z"]) == {"a": "1.0", "b": {"c": "[2]"}}
    assert picked(document, ["b.z"]) == {"b": {}}
    assert picked("[1]", ["a"]) is None


@given(json_texts.values)
@settings(deadline=None)
def test_compact_text_is_equivalent(text: str) -> None:
    assert plain(compact(text)) == plain(text)


def test_compact_text_keeps_spaces_in_strings_and_the_form_of_numbers() -> None:
    assert compact('{ "a b" : [ 1.0,\n"\\" c " ] }') == '{"a b":[1.0,"\\" c "]}'
