"""One key of the store as a sequential object: the possible responses and states of each call.

Values are JSON documents whose text is canonical here, so that states can be compared. An ETag of None is
unknown: it belongs to a write whose response was lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["get", "put", "patch", "increment", "delete"]


@dataclass(frozen=True, slots=True)
class StoredValue:
    """The stored value."""

    text: str
    etag: str | None


State = StoredValue | None
"""None if the key does not exist."""


@dataclass(frozen=True, slots=True)
class Request:
    """An operation: `given` is the value of a put, the patch, or the increment; `if_match` is an ETag."""

    kind: Kind
    given: str = ""
    if_match: str | None = None
    if_absent: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A response: the ETag and text of a read, the ETag of a write, and the new number of an increment."""

    status: int
    etag: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class KeyCall:
    """A call of one client with its response, None if it is unknown; times in nanoseconds."""

    client: int
    request: Request
    begun: int
    ended: int | None = None
    response: Response | None = None


def canonical(document: Any) -> str:
    """Return the canonical text of a document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def step(state: State, call: KeyCall) -> list[State]:
    """Return the possible states after a call; none if its response is impossible in this state."""
    request, response = call.request, call.response
    if request.kind == "get":
        return _read(state, response)
    left: list[State] = []
    if response is None or response.status < 400:
        left += _written(state, request, response)
    if response is not None and response.status >= 400 and response.status in _refusals(state, request):
        left.append(state)
    return left


def _read(state: State, response: Response | None) -> list[State]:
    if response is None:
        return []
    if response.status == 404:
        return [None] if state is None else []
    if state is None or state.text != response.text or state.etag not in (None, response.etag):
        return []
    # This reveals the ETag of a write whose response was lost.
    return [replace(state, etag=response.etag)]


def _written(state: State, request: Request, response: Response | None) -> list[State]:
    """Return the possible states after a successful write."""
    etag = response.etag if response else None
    if request.if_absent and state is not None:
        return []
    if request.if_match is not None and (state is None or state.etag not in (None, request.if_match)):
        return []
    if request.kind == "delete":
        return [None]
    text = _result(state, request)
    if text is None or (response is not None and not _fits(state, request, response, text)):
        return []
    return [StoredValue(text, etag)]


def _result(state: State, request: Request) -> str | None:
    """Return the text after a write; None if the write cannot be applied."""
    if request.kind == "put":
        return request.given
    document = None if state is None else json.loads(state.text)
    if request.kind == "increment":
        if state is None:
            return request.given
        return str(document + int(request.given)) if isinstance(document, int) else None
    return canonical({**document, **json.loads(request.given)}) if isinstance(document, dict) else None


def _fits(state: State, request: Request, response: Response, text: str) -> bool:
    """Return whether the response to a successful write is correct."""
    if request.kind == "put":
        return response.status == (201 if state is None else 200)
    return response.status == 200 and (request.kind != "increment" or response.text == text)


def _refusals(state: State, request: Request) -> set[int]:
    """Return the error statuses that are possible in this state; their precedence is not specified."""
    refusals = set()
    # An unknown ETag may or may not be this one.
    if request.if_match is not None and (state is None or state.etag is None or state.etag != request.if_match):
        refusals.add(412)
    if request.if_absent and state is not None:
        refusals.add(412)
    if request.kind == "patch" and state is None:
        refusals.add(404)
    if state is not None and request.kind in ("patch", "increment") and _result(state, request) is None:
        refusals.add(409)
    return refusals
