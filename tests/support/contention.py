"""Clients that contend for a few keys, and the history of their requests and responses."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import httpx

from tests.support.sequential_spec import KeyCall, Request, Response, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Histories = dict[str, list[KeyCall]]


class Store(Protocol):
    """A store as a client sees it."""

    def send(self, key: str, request: Request) -> Response | None:
        """Send a request; None if it is unknown whether it was executed."""


def contend(store: Store, *, clients: int, calls: int, keys: Sequence[str], seed: int) -> Histories:
    """Let clients make `calls` calls in total, at full speed, and return the history of each key.

    Half of the keys are counters and half are documents; some calls increment a document.
    """
    histories: Histories = {key: [] for key in keys}

    def work(client: int) -> None:
        chance = random.Random(f"{seed} {client}")
        seen: dict[str, str | None] = {}
        for number in range(calls // clients):
            index = chance.randrange(len(keys))
            key = keys[index]
            request = _random_request(chance, f"{client}-{number}", counts=index % 2 == 0, seen=seen.get(key))
            begun = time.monotonic_ns()
            response = store.send(key, request)
            ended = None if response is None else time.monotonic_ns()
            histories[key].append(KeyCall(client, request, begun, ended, response))
            if response is not None and response.etag is not None:
                seen[key] = response.etag

    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(work, client) for client in range(clients)]:
            done.result()
    return histories


def _random_request(chance: random.Random, name: str, *, counts: bool, seen: str | None) -> Request:
    """Return a random request for the kind of key; half of the writes require the last known ETag."""
    if_match = seen if chance.random() < 0.5 else None
    weights = {"get": 30, "put": 30, "patch": 25, "increment": 3, "delete": 12}
    if counts:
        weights |= {"put": 8, "patch": 3, "increment": 50}
    match chance.choices(list(weights), list(weights.values()))[0]:
        case "put":
            given = str(chance.randrange(1_000)) if counts else canonical({"from": name})
            if chance.random() < 0.3:
                return Request("put", given, if_absent=True)
            return Request("put", given, if_match)
        case "patch":
            return Request("patch", canonical({f"member-{chance.randrange(3)}": name}), if_match)
        case "increment":
            return Request("increment", str(chance.choice((1, 1, 10, -3))), if_match)
        case "delete":
            return Request("delete", "", if_match)
        case _:
            return Request("get")


class HttpStore:
    """The store behind its HTTP API: most calls are single requests, some are atomic batches, some are sent twice."""

    def __init__(self, http: httpx.Client, namespace: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"/v1/{namespace}"
        self._headers = headers
        self._numbers = itertools.count()

    def send(self, key: str, request: Request) -> Response | None:
        """Send a request; after a 5xx or a time-out it is unknown whether it was executed."""
        number = next(self._numbers)
        if number % 5 == 0:
            return self._in_a_batch(key, request)
        if number % 5 == 1 and request.kind in ("put", "patch", "increment"):
            once = {"Idempotency-Key": f"call-{number}"}
            first, again = self._alone(key, request, once), self._alone(key, request, once)
            assert first is None or again is None or first == again, (first, again)
            return first or again
        return self._alone(key, request, {})

    def _alone(self, key: str, request: Request, headers: Mapping[str, str]) -> Response | None:
        path = f"{self._base}/{key}"
        method, body = request.kind.upper(), None
        if request.kind == "increment":
            method, path, body = "POST", f"{path}/increment", f'{{"by": {request.given}}}'
        elif request.given:
            body = f'{{"value": {request.given}}}'
        conditions = {"If-Match": request.if_match, "If-None-Match": "*" if request.if_absent else None}
        sent = {name: condition for name, condition in conditions.items() if condition}
        response = self._request(method, path, body, {**headers, **sent})
        if response is None or "idempotency_in_flight" in response.text:
            return None
        return Response(response.status_code, response.headers.get("ETag"), _text(request, response.content))

    def _in_a_batch(self, key: str, request: Request) -> Response | None:
        operation = {"op": request.kind, "key": key}
        if request.given:
            operation["by" if request.kind == "increment" else "value"] = json.loads(request.given)
        if request.if_match or request.if_absent:
            operation["if_none_match" if request.if_absent else "if_match"] = request.if_match or "*"
        body = json.dumps({"operations": [operation], "atomic": True})
        response = self._request("POST", f"{self._base}/batch", body, {})
        if response is None:
            return None
        if response.status_code == 409:
            return Response(response.json()["error"]["details"]["failed"][0]["status"])
        [result] = response.json()["results"]
        return Response(result["status"], result.get("etag"), _text(request, json.dumps(result)))

    def _request(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> httpx.Response | None:
        try:
            response = self._http.request(method, path, content=body, headers={**self._headers, **headers})
        except httpx.TransportError:
            return None
        return None if response.status_code >= 500 else response


def _text(request: Request, body: str | bytes) -> str:
    """Return the value in a response, in canonical form: patched fields may be in any order."""
    found = json.loads(body or "{}") if request.kind in ("get", "increment") else {}
    return canonical(found["value"]) if "value" in found else ""


class StaleReads:
    """A store that responds to every `every`-th read of a key with an earlier, overwritten version.

    Each such response violates linearizability: a write began after the old read and ended before this one.
    """

    def __init__(self, store: Store, *, key: str, every: int) -> None:
        self._store = store
        self._key = key
        self._every = every
        self._lock = threading.Lock()
        self._chances = 0
        self._read: tuple[Response, int] | None = None
        self._overwritten: Response | None = None

    def send(self, key: str, request: Request) -> Response | None:
        """Send a request, or respond with a stale version."""
        if key != self._key:
            return self._store.send(key, request)
        if request.kind == "get" and (stale := self._stale()):
            return stale
        begun = time.monotonic_ns()
        response = self._store.send(key, request)
        if response is not None and response.status < 400:
            self._note(request, response, begun)
        return response

    @property
    def lies(self) -> int:
        """The number of stale responses."""
        return self._chances // self._every

    def _stale(self) -> Response | None:
        with self._lock:
            if self._overwritten is not None:
                self._chances += 1
                if self._chances % self._every == 0:
                    return self._overwritten
        return None

    def _note(self, request: Request, response: Response, begun: int) -> None:
        with self._lock:
            if request.kind == "get":
                self._read = response, time.monotonic_ns()
            elif self._read and self._read[1] < begun:
                self._overwritten = self._read[0]
