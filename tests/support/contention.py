"""Clients that contend for a few keys, and the history of what each asked and was answered."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import httpx

from tests.support.register import Answer, Asked, KeyCall, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Histories = dict[str, list[KeyCall]]


class Store(Protocol):
    """A store as one client reaches it."""

    def send(self, key: str, asked: Asked) -> Answer | None:
        """Do as asked; None where nobody knows whether it was done."""


def contend(store: Store, *, clients: int, calls: int, keys: Sequence[str], seed: int) -> Histories:
    """Let clients make `calls` calls in all, as fast as they can, and return what happened to each key.

    Half of the keys count and half hold documents, mostly: now and then a count is asked of a document.
    """
    histories: Histories = {key: [] for key in keys}

    def work(client: int) -> None:
        chance = random.Random(f"{seed} {client}")
        seen: dict[str, str | None] = {}
        for number in range(calls // clients):
            index = chance.randrange(len(keys))
            key = keys[index]
            asked = _something(chance, f"{client}-{number}", counts=index % 2 == 0, seen=seen.get(key))
            begun = time.monotonic_ns()
            answer = store.send(key, asked)
            ended = None if answer is None else time.monotonic_ns()
            histories[key].append(KeyCall(client, asked, begun, ended, answer))
            if answer is not None and answer.etag is not None:
                seen[key] = answer.etag

    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(work, client) for client in range(clients)]:
            done.result()
    return histories


def _something(chance: random.Random, name: str, *, counts: bool, seen: str | None) -> Asked:
    """Return a call that suits the kind of key; half of the writes demand that the key is as it was last seen."""
    if_match = seen if chance.random() < 0.5 else None
    weights = {"get": 30, "put": 30, "patch": 25, "increment": 3, "delete": 12}
    if counts:
        weights |= {"put": 8, "patch": 3, "increment": 50}
    match chance.choices(list(weights), list(weights.values()))[0]:
        case "put":
            given = str(chance.randrange(1_000)) if counts else canonical({"from": name})
            if chance.random() < 0.3:
                return Asked("put", given, if_absent=True)
            return Asked("put", given, if_match)
        case "patch":
            return Asked("patch", canonical({f"member-{chance.randrange(3)}": name}), if_match)
        case "increment":
            return Asked("increment", str(chance.choice((1, 1, 10, -3))), if_match)
        case "delete":
            return Asked("delete", "", if_match)
        case _:
            return Asked("get")


class HttpStore:
    """The store behind its HTTP API: most calls are requests of their own, some atomic batches, some sent twice."""

    def __init__(self, http: httpx.Client, namespace: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"/v1/{namespace}"
        self._headers = headers
        self._numbers = itertools.count()

    def send(self, key: str, asked: Asked) -> Answer | None:
        """Do as asked; an answer of 5xx, or none in time, says nothing about whether it was done."""
        number = next(self._numbers)
        if number % 5 == 0:
            return self._in_a_batch(key, asked)
        if number % 5 == 1 and asked.kind in ("put", "patch", "increment"):
            once = {"Idempotency-Key": f"call-{number}"}
            first, again = self._alone(key, asked, once), self._alone(key, asked, once)
            assert first is None or again is None or first == again, (first, again)
            return first or again
        return self._alone(key, asked, {})

    def _alone(self, key: str, asked: Asked, headers: Mapping[str, str]) -> Answer | None:
        path = f"{self._base}/{key}"
        method, body = asked.kind.upper(), None
        if asked.kind == "increment":
            method, path, body = "POST", f"{path}/increment", f'{{"by": {asked.given}}}'
        elif asked.given:
            body = f'{{"value": {asked.given}}}'
        conditions = {"If-Match": asked.if_match, "If-None-Match": "*" if asked.if_absent else None}
        sent = {name: condition for name, condition in conditions.items() if condition}
        answer = self._request(method, path, body, {**headers, **sent})
        if answer is None or "idempotency_in_flight" in answer.text:
            return None
        return Answer(answer.status_code, answer.headers.get("ETag"), _text(asked, answer.content))

    def _in_a_batch(self, key: str, asked: Asked) -> Answer | None:
        operation = {"op": asked.kind, "key": key}
        if asked.given:
            operation["by" if asked.kind == "increment" else "value"] = json.loads(asked.given)
        if asked.if_match or asked.if_absent:
            operation["if_none_match" if asked.if_absent else "if_match"] = asked.if_match or "*"
        body = json.dumps({"operations": [operation], "atomic": True})
        answer = self._request("POST", f"{self._base}/batch", body, {})
        if answer is None:
            return None
        if answer.status_code == 409:
            return Answer(answer.json()["error"]["details"]["failed"][0]["status"])
        [result] = answer.json()["results"]
        return Answer(result["status"], result.get("etag"), _text(asked, json.dumps(result)))

    def _request(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> httpx.Response | None:
        try:
            answer = self._http.request(method, path, content=body, headers={**self._headers, **headers})
        except httpx.TransportError:
            return None
        return None if answer.status_code >= 500 else answer


def _text(asked: Asked, body: str | bytes) -> str:
    """Return the value that a read or an increment gave; a member that was patched in may stand anywhere."""
    found = json.loads(body or "{}") if asked.kind in ("get", "increment") else {}
    return canonical(found["value"]) if "value" in found else ""


class StaleReads:
    """A store that answers every so-manieth read of a key with what it read before, though that was overwritten since.

    Each such answer breaks linearizability: a write that began after the old read had ended, and is over, lies between.
    """

    def __init__(self, store: Store, *, key: str, every: int) -> None:
        self._store = store
        self._key = key
        self._every = every
        self._lock = threading.Lock()
        self._chances = 0
        self._read: tuple[Answer, int] | None = None
        self._overwritten: Answer | None = None

    def send(self, key: str, asked: Asked) -> Answer | None:
        """Do as asked, or answer from memory."""
        if key != self._key:
            return self._store.send(key, asked)
        if asked.kind == "get" and (stale := self._stale()):
            return stale
        begun = time.monotonic_ns()
        answer = self._store.send(key, asked)
        if answer is not None and answer.status < 400:
            self._note(asked, answer, begun)
        return answer

    @property
    def lies(self) -> int:
        """How many answers were stale."""
        return self._chances // self._every

    def _stale(self) -> Answer | None:
        with self._lock:
            if self._overwritten is not None:
                self._chances += 1
                if self._chances % self._every == 0:
                    return self._overwritten
        return None

    def _note(self, asked: Asked, answer: Answer, begun: int) -> None:
        with self._lock:
            if asked.kind == "get":
                self._read = answer, time.monotonic_ns()
            elif self._read and self._read[1] < begun:
                self._overwritten = self._read[0]
