"""Strategies for operations on a few keys, with values around all size limits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.support import json_texts
from tests.support.model import KEPT, Operation, TimeToLive

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = ("a", "a.b", "b:1", "b:2")
PREFIXES = ("", "a", "b:", "none")

CONDITIONS = ("current", "a former one", "another key's", "current among others", "current as a weak tag", "*")
"""Names of ETags that a client may know; resolved when the operation is sent."""

_INT64_ENDS = ("9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809")
_numbers = st.sampled_from(["0", "1", "-1", "41", "-0", "1.0", "1e3", "10" * 60, *_INT64_ENDS])
_noise = "".join(
    random.Random(7).choices([chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"\\'], k=500_000)
)
LARGE = f'{{"a":"{_noise}","b":{{"c":1}}}}'
"""A value that exceeds an item even when compressed."""

# The size decides whether a value is compressed and where it is stored, which must not be visible. The largest value is
# rare because it takes as long as twenty others.
_LONG = [f'"{"x" * 900}"', f'"{"é" * 1_500}"', "[" + ",".join(map(str, range(700))) + "]", f'{{"a":"{"y" * 5_000}"}}']
_long = st.sampled_from([*(_LONG * 12), LARGE])
_names = st.sampled_from(['"a"', '"b"', '"c"', '"d.e"', '"\\u0063"', '""'])
_leaves = st.one_of(st.sampled_from(["null", "null", "1", "-0", "2.50", '"text"', "[]", "[null, 1]", "{}"]))


def _objects(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects of a few names without duplicates, escaped names included."""
    members = st.lists(
        st.tuples(_names, leaves), max_size=4, unique_by=lambda member: member[0].replace("\\u0063", "c")
    )
    return st.builds(_object, members, st.sampled_from(["", " ", "\n  "]))


def _object(members: Sequence[tuple[str, str]], space: str) -> str:
    return "{" + ",".join(f"{space}{name}:{space}{text}" for name, text in members) + space + "}"


objects = _objects(st.one_of(_leaves, _leaves, _objects(st.one_of(_leaves, _objects(_leaves)))))
_values = st.one_of(objects, _numbers, _numbers, _long, json_texts.values)

_keys = st.sampled_from(KEYS)
_lives: st.SearchStrategy[TimeToLive] = st.sampled_from([None, 1, 2, 60, 86_400, 3_153_600_000])
_ttls: st.SearchStrategy[TimeToLive] = st.one_of(st.just(KEPT), st.just(KEPT), _lives)
_metadata = st.one_of(
    st.just(KEPT),
    st.just(KEPT),
    st.sampled_from([None, "{}", '{"type": "invoice", "n": 1.0}', '{"é": "\\ud83d\\ude00"}']),
)
_amounts = st.one_of(st.none(), st.sampled_from([1, -1, 0, 10, 2**62, 2**63 - 1, -(2**63)]))
_fields = st.one_of(st.none(), st.sampled_from(["a", "b.a", "a,c", "b.c,b.a", "a.b.c", "x", "x.y"]))
_conditionally = st.one_of(
    st.just({}), st.just({}), st.builds(lambda name: {"if_match": name}, st.sampled_from(CONDITIONS))
)
_either = st.one_of(
    _conditionally, st.builds(lambda name: {"if_none_match": name}, st.sampled_from(["*", "current", *CONDITIONS]))
)


# Composite functions keep the strategies' names in Hypothesis's output short.
@st.composite
def _gets(draw: st.DrawFn) -> Operation:
    return Operation("get", draw(_keys), fields=draw(_fields), **draw(_either))


@st.composite
def _heads(draw: st.DrawFn) -> Operation:
    return Operation("head", draw(_keys), **draw(_either))


@st.composite
def _puts(draw: st.DrawFn) -> Operation:
    return Operation("put", draw(_keys), draw(_values), draw(_ttls), draw(_metadata), **draw(_either))


@st.composite
def _patches(draw: st.DrawFn) -> Operation:
    return Operation("patch", draw(_keys), draw(objects), draw(_ttls), draw(_metadata), **draw(_conditionally))


@st.composite
def _touches(draw: st.DrawFn) -> Operation:
    """A patch of a value's TTL and metadata only."""
    return Operation("patch", draw(_keys), ttl=draw(_lives), metadata=draw(_metadata), **draw(_conditionally))


@st.composite
def _increments(draw: st.DrawFn) -> Operation:
    return Operation("increment", draw(_keys), by=draw(_amounts), ttl=draw(_ttls), **draw(_conditionally))


@st.composite
def _deletes(draw: st.DrawFn) -> Operation:
    return Operation("delete", draw(_keys), **draw(_conditionally))


puts = _puts()
reads = st.one_of(_gets(), _heads())
writes = st.one_of(puts, puts, puts, puts, puts, _deletes())
changes = st.one_of(_patches(), _patches(), _touches(), _increments())
operations = st.one_of(_gets(), writes, changes)
batches = st.one_of(st.lists(operations, min_size=1, max_size=6), st.lists(operations, min_size=8, max_size=30))
once = st.one_of(puts, puts, changes)
"""Operations that accept an Idempotency-Key."""
