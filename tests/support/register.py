"""One key of the store as a sequential object: what each call may answer, and what it leaves.

Values are JSON documents whose text is canonical here, so that states can be compared. An ETag of None is one that
nobody has seen yet: it belongs to a write whose answer never came.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["get", "put", "patch", "increment", "delete"]


@dataclass(frozen=True, slots=True)
class Held:
    """What is under the key."""

    text: str
    etag: str | None


State = Held | None
"""None where there is no such key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation: `given` is the value of a put, the patch, or by how much; `if_match` an ETag."""

    kind: Kind
    given: str = ""
    if_match: str | None = None
    if_absent: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the ETag and text of a read, the ETag of a write, and the new number of an increment."""

    status: int
    etag: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class KeyCall:
    """What one client asked of a key and was answered; times in nanoseconds, no answer where it is not known."""

    client: int
    asked: Asked
    begun: int
    ended: int | None = None
    answer: Answer | None = None


def canonical(document: Any) -> str:
    """Return the one text of a document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def step(state: State, call: KeyCall) -> list[State]:
    """Return what a call can leave behind; nothing when it cannot have been answered like that in this state."""
    asked, answer = call.asked, call.answer
    if asked.kind == "get":
        return _read(state, answer)
    left: list[State] = []
    if answer is None or answer.status < 400:
        left += _written(state, asked, answer)
    if answer is not None and answer.status >= 400 and answer.status in _refusals(state, asked):
        left.append(state)
    return left


def _read(state: State, answer: Answer | None) -> list[State]:
    if answer is None:
        return []
    if answer.status == 404:
        return [None] if state is None else []
    if state is None or state.text != answer.text or state.etag not in (None, answer.etag):
        return []
    # Now the ETag of a write without an answer is known.
    return [replace(state, etag=answer.etag)]


def _written(state: State, asked: Asked, answer: Answer | None) -> list[State]:
    """Return the state after a write that happened."""
    etag = answer.etag if answer else None
    if asked.if_absent and state is not None:
        return []
    if asked.if_match is not None and (state is None or state.etag not in (None, asked.if_match)):
        return []
    if asked.kind == "delete":
        return [None]
    text = _result(state, asked)
    if text is None or (answer is not None and not _fits(state, asked, answer, text)):
        return []
    return [Held(text, etag)]


def _result(state: State, asked: Asked) -> str | None:
    """Return the text that a write makes of what is there; None where it cannot."""
    if asked.kind == "put":
        return asked.given
    document = None if state is None else json.loads(state.text)
    if asked.kind == "increment":
        if state is None:
            return asked.given
        return str(document + int(asked.given)) if isinstance(document, int) else None
    return canonical({**document, **json.loads(asked.given)}) if isinstance(document, dict) else None


def _fits(state: State, asked: Asked, answer: Answer, text: str) -> bool:
    """Say whether a write that happened answered what it had to."""
    if asked.kind == "put":
        return answer.status == (201 if state is None else 200)
    return answer.status == 200 and (asked.kind != "increment" or answer.text == text)


def _refusals(state: State, asked: Asked) -> set[int]:
    """Return the statuses with which a call may be refused in this state; which of several comes first is not said."""
    refusals = set()
    # An ETag that nobody has seen is not this one, or it is: both are possible.
    if asked.if_match is not None and (state is None or state.etag is None or state.etag != asked.if_match):
        refusals.add(412)
    if asked.if_absent and state is not None:
        refusals.add(412)
    if asked.kind == "patch" and state is None:
        refusals.add(404)
    if state is not None and asked.kind in ("patch", "increment") and _result(state, asked) is None:
        refusals.add(409)
    return refusals
