"""kv_common.json.edit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.json import edit as json_text
from tests.support import json_texts

plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda items: st.one_of(
        st.lists(items, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c", "é"]), items, max_size=3)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c", "é"]), plain, max_size=4)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386's algorithm, on parsed values."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def written(value: object, indent: int | None) -> bytes:
    return json.dumps(value, indent=indent, ensure_ascii=bool(indent)).encode()


@given(objects, objects, st.sampled_from([None, 1]), st.sampled_from([None, 1]))
def test_merge_follows_rfc_7386(target: Any, patch: Any, one: int | None, two: int | None) -> None:
    result = json_text.merge(written(target, one), written(patch, two))

    assert json.loads(result) == merged(target, patch)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The appendix of RFC 7386, where both are objects.
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
        ('{"a":"b"}', '{"a":null}', "{}"),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
        # Unchanged members keep their bytes.
        ('{ "x" : 1.0 , "y":-0, "z":1e400 }', '{"y":1}', '{"x":1.0,"y":1,"z":1e400}'),
        ('{"a":{"b":[1 , 2],"c":1}}', '{"a":{"c":null}}', '{"a":{"b":[1 , 2]}}'),
        # A name may be escaped and repeated.
        ('{"\\u0061":1}', '{"a":2}', '{"\\u0061":2}'),
        ('{"a":1,"b":2,"a":3}', '{"a":null}', '{"b":2}'),
        ('{"a":1,"b":2,"a":3}', '{"a":4}', '{"b":2,"a":4}'),
        ('{"a":1,"b":2,"a":3}', '{"b":4}', '{"a":1,"b":4,"a":3}'),
        ('{"\\ud800":1}', '{"\\ud800":2,"\\ud801":3}', '{"\\ud800":2,"\\ud801":3}'),
        # Nulls in an array are values.
        ("{}", '{"a":[null,{"b":null}]}', '{"a":[null,{"b":null}]}'),
    ],
)
def test_merge_keeps_the_bytes_of_unchanged_members(target: str, patch: str, result: str) -> None:
    assert json_text.merge(target.encode(), patch.encode()).decode() == result


@given(st.lists(st.tuples(json_texts.strings, json_texts.values), max_size=5), st.data())
def test_members_of_an_object_are_returned_byte_for_byte(members: list[tuple[str, str]], data: st.DataObject) -> None:
    space = json_texts.whitespace
    text = (
        "{"
        + data.draw(space)
        + ",".join(
            data.draw(space) + name + data.draw(space) + ":" + data.draw(space) + value + data.draw(space)
            for name, value in members
        )
    )
    text += "}" + data.draw(space)

    assert json_text.members(text.encode()) == [(name.encode(), value.encode()) for name, value in members]


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ("a", '{"a":1.0}'),
        ("b.c", '{"b":{"c":[1 ,2]}}'),
        ("b.c,b.d,a", '{"a":1.0,"b":{"c":[1 ,2],"d":{"e":2}}}'),
        ("b.d.e", '{"b":{"d":{"e":2}}}'),
        ("b,b.c", '{"b":{"c":[1 ,2] , "d":{"e":2}}}'),
        ("b.c,b", '{"b":{"c":[1 ,2] , "d":{"e":2}}}'),
        ("a.x", "{}"),
        ("b.x", '{"b":{}}'),
        ("x", "{}"),
    ],
)
def test_picked_members_keep_their_bytes_and_order(fields: str, result: str) -> None:
    text = '{"a":1.0, "b":{"c":[1 ,2] , "d":{"e":2}}, "f":3}'

    assert json_text.pick(text.encode(), [path.split(".") for path in fields.split(",")]).decode() == result


@given(json_texts.values)
def test_compact_text_is_equivalent_and_has_no_whitespace_between_tokens(text: str) -> None:
    compact = json_text.compact(text.encode())

    assert json_text.compact(compact) == compact
    assert json.dumps(json.loads(compact, parse_float=str, parse_int=str)) == json.dumps(
        json.loads(text, parse_float=str, parse_int=str)
    )


@given(json_texts.values)
def test_ascii_only_text_is_equivalent(text: str) -> None:
    shown = json_text.ascii_only(json_text.compact(text.encode()).decode())

    assert all(" " <= character <= "~" for character in shown)
    assert json.loads(shown, parse_float=str) == json.loads(text, parse_float=str)
