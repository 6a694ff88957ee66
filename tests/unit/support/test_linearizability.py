"""The checker accepts exactly the linearizable histories."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.contention import StaleReads, contend
from tests.support.linearizability import find_violation
from tests.support.sequential_spec import KeyCall, Request, Response, State, StoredValue, canonical, step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ONE = canonical({"n": 1})


def call(request: Request, response: Response | None, begun: int, ended: int | None) -> KeyCall:
    return KeyCall(0, request, begun, ended, response)


def put(given: str, status: int, etag: str | None, begun: int, ended: int, if_match: str | None = None) -> KeyCall:
    return call(Request("put", given, if_match), Response(status, etag), begun, ended)


def got(text: str, etag: str, begun: int, ended: int) -> KeyCall:
    return call(Request("get"), Response(200, etag, text), begun, ended)


def holds(calls: Iterable[KeyCall]) -> bool:
    return find_violation(calls, None, step) is None


LOST = call(Request("put", "2"), None, 4, None)

HISTORIES: dict[str, tuple[bool, list[KeyCall]]] = {
    "nothing at all": (True, []),
    "a read of what was written": (True, [put("1", 201, "a", 0, 1), got("1", "a", 2, 3)]),
    "a read while it is written may see it": (True, [put("1", 201, "a", 0, 5), got("1", "a", 1, 2)]),
    "a read while it is written need not see it": (
        True,
        [put("1", 201, "a", 0, 5), call(Request("get"), Response(404), 1, 2)],
    ),
    "a read that does not see what was written before it": (
        False,
        [put("1", 201, "a", 0, 1), call(Request("get"), Response(404), 2, 3)],
    ),
    "a stale read": (
        False,
        [put("1", 201, "a", 0, 1), put("2", 200, "b", 2, 3), got("1", "a", 4, 5)],
    ),
    "two reads that see two writes in turn": (
        False,
        [put("1", 201, "a", 0, 1), put("2", 200, "b", 2, 9), got("2", "b", 3, 4), got("1", "a", 5, 6)],
    ),
    "one of two who expect the same ETag is refused": (
        True,
        [put("1", 201, "a", 0, 1), put("2", 200, "b", 2, 5, "a"), put("3", 412, None, 3, 4, "a")],
    ),
    "a lost update: two who expected the same ETag were both served": (
        False,
        [put("1", 201, "a", 0, 1), put("2", 200, "b", 2, 5, "a"), put("3", 200, "c", 3, 4, "a")],
    ),
    "a lost increment": (
        False,
        [
            call(Request("increment", "1"), Response(200, "a", "1"), 0, 5),
            call(Request("increment", "1"), Response(200, "b", "1"), 1, 6),
        ],
    ),
    "two who both made the key": (False, [put("1", 201, "a", 0, 5), put("1", 201, "b", 1, 6)]),
    "a condition that was refused though it held": (
        False,
        [put("1", 201, "a", 0, 1), put("2", 412, None, 2, 3, "a")],
    ),
    "a patch that forgot a member": (
        False,
        [
            put(ONE, 201, "a", 0, 1),
            call(Request("patch", canonical({"m": 2})), Response(200, "b"), 2, 3),
            got(canonical({"m": 2}), "b", 4, 5),
        ],
    ),
    "a key that came back by itself": (
        False,
        [put("1", 201, "a", 0, 1), call(Request("delete"), Response(204), 2, 3), got("1", "a", 4, 5)],
    ),
    "a write without an answer that was done": (
        True,
        [put("1", 201, "a", 0, 1), LOST, got("1", "a", 5, 6), got("2", "b", 7, 8), got("2", "b", 9, 10)],
    ),
    "a write without an answer that was not done": (
        True,
        [put("1", 201, "a", 0, 1), LOST, got("1", "a", 5, 6), got("1", "a", 7, 8)],
    ),
    "a write without an answer that was done and undone": (
        False,
        [put("1", 201, "a", 0, 1), LOST, got("2", "b", 5, 6), got("1", "a", 7, 8)],
    ),
    "a write without an answer that has two ETags": (
        False,
        [put("1", 201, "a", 0, 1), LOST, got("2", "b", 5, 6), got("2", "c", 7, 8)],
    ),
    "a write without an answer that was done before it was asked for": (
        False,
        [put("1", 201, "a", 0, 1), got("2", "b", 2, 3), LOST],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_history_is_accepted_if_and_only_if_it_is_linearizable(name: str) -> None:
    expected, calls = HISTORIES[name]

    assert holds(calls) is expected


def test_violation_shows_the_longest_order() -> None:
    _, calls = HISTORIES["a stale read"]

    found = find_violation(calls, None, step)

    assert found is not None
    assert (found.order, found.stuck) == (tuple(calls[:2]), (calls[2],))


class Register:
    """The store as one dictionary; `atomic` is whether a call holds its lock from reading to writing."""

    def __init__(self, *, atomic: bool = True) -> None:
        self._lock = threading.Lock()
        self._never = threading.Event()
        self._atomic = atomic
        self._states: dict[str, State] = {}
        self._etags = itertools.count()

    def send(self, key: str, request: Request) -> Response:
        if not self._atomic:
            state = self._states.get(key)
            self._wait()
            response, self._states[key] = self._outcome(state, request)
            return response
        self._wait()
        with self._lock:
            response = self.do(key, request)
        self._wait()
        return response

    def do(self, key: str, request: Request) -> Response:
        response, self._states[key] = self._outcome(self._states.get(key), request)
        return response

    def _wait(self) -> None:
        self._never.wait(0.0002)

    def _outcome(self, state: State, request: Request) -> tuple[Response, State]:
        etag = f"etag-{next(self._etags)}"
        document = None if state is None else json.loads(state.text)
        refused = request.if_match is not None and (state is None or state.etag != request.if_match)
        outcome: tuple[Response, State] = Response(404 if state is None else 409), state
        if refused or (request.if_absent and state is not None):
            outcome = Response(412), state
        elif request.kind == "get" and state is not None:
            outcome = Response(200, state.etag, state.text), state
        elif request.kind == "delete":
            outcome = Response(204), None
        elif request.kind == "put":
            outcome = Response(200 if state else 201, etag), StoredValue(request.given, etag)
        elif request.kind == "increment" and isinstance(document, int | None):
            text = str((document or 0) + int(request.given))
            outcome = Response(200, etag, text), StoredValue(text, etag)
        elif request.kind == "patch" and isinstance(document, dict):
            outcome = Response(200, etag), StoredValue(canonical(document | json.loads(request.given)), etag)
        return outcome


KEYS = ("count-1", "document-1")


def test_history_of_an_atomic_store_is_linearizable() -> None:
    histories = contend(Register(), clients=8, calls=2_000, keys=KEYS, seed=1)

    assert sum(map(len, histories.values())) == 2_000
    assert all(holds(calls) for calls in histories.values())


def test_store_with_lost_updates_is_detected() -> None:
    histories = contend(Register(atomic=False), clients=8, calls=800, keys=KEYS, seed=1)

    assert not any(holds(calls) for calls in histories.values())


def test_stale_reads_are_detected_for_their_key_only() -> None:
    keys = ("count-1", "document-1", "count-2", "document-2")
    store = StaleReads(Register(), key="document-1", every=40)

    histories = contend(store, clients=8, calls=2_000, keys=keys, seed=1)

    assert store.lies > 0
    assert [key for key in keys if not holds(histories[key])] == ["document-1"]


# Few of everything, so that calls meet: a value, an ETag and a number that somebody wrote are soon read again.
_texts = st.sampled_from(["1", "2", canonical({"n": 1}), canonical({"m": 1, "n": 2})])
_etags = st.sampled_from(["a", "b", "c"])
_asked = st.one_of(
    st.just(Request("get")),
    st.builds(Request, st.just("put"), _texts, st.one_of(st.none(), _etags)),
    st.builds(Request, st.just("put"), _texts, st.none(), st.just(True)),  # noqa: FBT003 - a strategy's positional value
    st.builds(Request, st.just("patch"), st.just(canonical({"n": 1})), st.one_of(st.none(), _etags)),
    st.builds(Request, st.just("increment"), st.just("1"), st.one_of(st.none(), _etags)),
    st.builds(Request, st.just("delete"), st.just(""), st.one_of(st.none(), _etags)),
)


@st.composite
def executions(draw: st.DrawFn, *, most: int, overlap: int, kept: int = 10) -> list[KeyCall]:
    """Make calls that happened one after the other, ten apart; each began up to `overlap` before, and ended after.

    `kept` of ten have their answers.
    """
    store = Register()
    calls = []
    for moment, request in enumerate(draw(st.lists(_asked, max_size=most))):
        conditional = replace(request, if_match=request.if_match and f"etag-{draw(st.integers(0, moment))}")
        response = store.do("key", conditional)
        begun, ended = moment * 10 - draw(st.integers(0, overlap)), moment * 10 + draw(st.integers(0, overlap))
        answered = draw(st.integers(0, 9)) < kept
        calls.append(call(conditional, response if answered else None, begun, ended if answered else None))
    return calls


@given(executions(most=30, overlap=60, kept=9))
@settings(deadline=None)
def test_sequential_calls_are_accepted_with_any_overlap(calls: list[KeyCall]) -> None:
    assert holds(calls)


@given(executions(most=30, overlap=4), st.data())
@settings(deadline=None)
def test_wrong_read_is_rejected_without_overlap(calls: list[KeyCall], data: st.DataObject) -> None:
    reads = [index for index, one in enumerate(calls) if one.request.kind == "get"]
    assume(reads)
    changed = data.draw(st.sampled_from(reads))
    elsewhere = [Response(200, "never", "1"), Response(404), *(calls[index].response for index in reads)]
    wrong = data.draw(st.sampled_from([response for response in elsewhere if response != calls[changed].response]))
    calls[changed] = replace(calls[changed], response=wrong)

    assert not holds(calls)


def by_trying_everything(calls: Sequence[KeyCall]) -> bool:
    """Return whether there is an order, by brute force."""
    answered = [one for one in calls if one.ended is not None]
    lost = [one for one in calls if one.ended is None]
    return any(
        possible(order)
        for count in range(len(lost) + 1)
        for done in itertools.combinations(lost, count)
        for order in itertools.permutations([*answered, *done])
    )


def possible(order: Sequence[KeyCall]) -> bool:
    for earlier, later in itertools.combinations(order, 2):
        if later.ended is not None and later.ended < earlier.begun:
            return False
    states: set[State] = {None}
    for one in order:
        states = {after for state in states for after in step(state, one)}
    return bool(states)


_answers = st.one_of(
    st.none(),
    st.builds(Response, st.sampled_from([404, 409, 412, 204])),
    st.builds(Response, st.sampled_from([200, 201]), _etags, _texts),
)


@st.composite
def anything(draw: st.DrawFn) -> list[KeyCall]:
    """Calls with any responses at any times."""
    calls = []
    for _ in range(draw(st.integers(0, 5))):
        begun, response = draw(st.integers(0, 12)), draw(_answers)
        ended = None if response is None else begun + draw(st.integers(0, 6))
        calls.append(call(draw(_asked), response, begun, ended))
    return calls


@given(st.one_of(anything(), executions(most=5, overlap=40, kept=8)))
@settings(max_examples=400, deadline=None)
def test_checker_agrees_with_brute_force(calls: list[KeyCall]) -> None:
    assert holds(calls) is by_trying_everything(calls)
