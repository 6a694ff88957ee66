"""The state machine accepts the model itself and detects faulty variants."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.api_machine import ApiMachine, Server
from tests.support.model import Document, Model, Operation, Outcome, elements, members
from tests.support.response_checks import description

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_MS = 1_750_000_000_000
CODES = {404: "NOT_FOUND", 409: "CONFLICT", 412: "PRECONDITION_FAILED"}


def spelled(document: Document) -> str:
    if isinstance(document, str):
        return document
    return "{" + ",".join(f"{json.dumps(name)}:{spelled(part)}" for name, part in document.items()) + "}"


def obj(texts: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}"


class ModelService:
    """The API, served by the model."""

    def __init__(self) -> None:
        self.model = Model()
        self._etags = map('"{:012}"'.format, itertools.count())
        self._answers: dict[str | None, dict[str, Any]] = {}

    def serve(self, event: dict[str, Any], *, now_ms: int) -> dict[str, Any]:
        """Return the response to an event, or a stored response."""
        once = event["headers"].get("idempotency-key")
        if once in self._answers:
            return self.replay(self._answers[once])
        first = self._serve(event, now_ms)
        if once is not None:
            self._answers[once] = first
        return first

    def replay(self, first: dict[str, Any]) -> dict[str, Any]:
        return {**first, "headers": {**first["headers"], "Idempotent-Replayed": "true"}}

    def _serve(self, event: dict[str, Any], now_ms: int) -> dict[str, Any]:
        query = dict(parse_qsl(event["rawQueryString"]))
        body = members(event.get("body", "")) or {}
        route = event["routeKey"]
        if route.endswith("/batch"):
            return self._batch(body, now_ms)
        if route == "GET /v1/{namespace}":
            return self._list(query, now_ms)
        headers = event["headers"]
        conditions = {"if_match": headers.get("if-match"), "if_none_match": headers.get("if-none-match")}
        kind = "increment" if route.endswith("/increment") else route.split(" ")[0].lower()
        operation = read_operation(kind, event["pathParameters"]["key"], body)
        operation = replace(operation, fields=query.get("fields"), **conditions)
        outcome = self.apply(operation, now_ms)
        texts = self.shown(operation, outcome)
        etag = texts.pop("etag", None)
        answered = headers_of(operation, outcome, json.loads(etag) if etag else None)
        if operation.op == "head" or outcome.status in (204, 304):
            return response(outcome.status, "", answered)
        if operation.op == "get" and outcome.status == 200:
            texts = {"value": texts["value"]}
        return response(outcome.status, obj(texts), answered)

    def apply(self, operation: Operation, now_ms: int) -> Outcome:
        outcome = self.model.apply(operation, now_ms)
        if outcome.entry is not None and operation.op not in ("get", "head"):
            text = spelled(outcome.entry.value)
            self.model.learn(operation.key, etag=next(self._etags), value=text, size=len(text.encode()))
            return replace(outcome, entry=self.model.entries[operation.key])
        return outcome

    def shown(self, operation: Operation, outcome: Outcome) -> dict[str, str]:
        if outcome.status >= 400:
            details = {} if outcome.reason is None else {"details": obj({"reason": json.dumps(outcome.reason)})}
            return {"error": obj({"code": json.dumps(CODES[outcome.status]), **details})}
        texts = {} if outcome.entry is None else {"etag": json.dumps(outcome.entry.etag)}
        if outcome.shown is not None:
            texts["value"] = spelled(outcome.shown)
        if outcome.entry is not None and outcome.status != 304:
            texts |= description(operation.key, outcome.entry)
        return texts

    def _batch(self, body: dict[str, str], now_ms: int) -> dict[str, Any]:
        sent = []
        for text in elements(body["operations"]):
            given = members(text) or {}
            kind, key = (json.loads(given.pop(name)) for name in ("op", "key"))
            sent.append(read_operation(kind, key, given))
        before = self.model.copy()
        outcomes = [self.apply(operation, now_ms) for operation in sent]
        failed = [(index, outcome) for index, outcome in enumerate(outcomes) if outcome.status >= 400]
        if "atomic" in body and failed:
            self.model = before
            listed = ",".join(obj({"index": str(index), "status": str(outcome.status)}) for index, outcome in failed)
            details = obj({"reason": '"not_applied"', "failed": f"[{listed}]"})
            return response(409, obj({"error": obj({"code": '"CONFLICT"', "details": details})}), {})
        texts = [
            obj({"status": str(outcome.status), **self.shown(operation, outcome)})
            for operation, outcome in zip(sent, outcomes, strict=True)
        ]
        return response(200, obj({"results": f"[{','.join(texts)}]"}), {})

    def _list(self, query: dict[str, str], now_ms: int) -> dict[str, Any]:
        after, limit = query.get("cursor", ""), int(query.get("limit", "100"))
        keys = [key for key in self.model.keys(query["prefix"], now_ms) if key > after]
        listed = []
        for key in keys[:limit]:
            entry = self.model.entries[key]
            texts = description(key, entry, metadata="include" in query)
            listed.append(obj(texts | {"etag": json.dumps(entry.etag)} if "include" in query else texts))
        cursor = {"cursor": json.dumps(keys[limit - 1])} if len(keys) > limit else {}
        return response(200, obj({"keys": f"[{','.join(listed)}]", **cursor}), {})


def read_operation(kind: Any, key: str, given: dict[str, str]) -> Operation:
    texts: dict[str, Any] = {name: given[name] for name in ("value", "metadata") if name in given}
    if texts.get("metadata") == "null":
        texts["metadata"] = None
    decoded = ("ttl", "by", "fields", "if_match", "if_none_match")
    texts |= {name: json.loads(given[name]) for name in decoded if name in given}
    return Operation(kind, key, **texts)


def headers_of(operation: Operation, outcome: Outcome, etag: str | None) -> dict[str, str]:
    entry = outcome.entry
    if entry is None or etag is None:
        return {}
    headers = {"ETag": etag, "Last-Modified": formatdate(entry.updated_ms // 1000, usegmt=True)}
    described = description(operation.key, entry)
    if "expires_at" in described:
        headers["X-Expires-At"] = json.loads(described["expires_at"])
    if operation.op in ("get", "head") and outcome.status == 200 and entry.metadata is not None:
        headers["X-Metadata"] = json.dumps(json.loads(entry.metadata))
    if operation.op == "head":
        headers["X-Value-Size"] = str(entry.size)
    return headers


def response(status: int, body: str, headers: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def run(service: ModelService, examples: int) -> Server:
    server = Server(service, "app", {}, NOW_MS)

    class Machine(ApiMachine):
        def __init__(self) -> None:
            super().__init__(server)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return server


def test_model_matches_itself_and_reaches_all_outcomes() -> None:
    server = run(ModelService(), 30)

    expected = {
        "get": {200, 304, 404, 409, 412},
        "head": {200, 404},
        "put": {200, 201, 412},
        "patch": {200, 404, 409, 412},
        "increment": {200, 409, 412},
        "delete": {204, 412},
        "list": {200},
        "batch": {409},
        "again": {200, 409},
    }
    assert {(kind, status) for kind, statuses in expected.items() for status in statuses} <= set(server.performed)


class LateExpiry(ModelService):
    def apply(self, operation: Operation, now_ms: int) -> Outcome:
        return super().apply(operation, now_ms - 1 if operation.op == "get" else now_ms)


class ForgetsMetadata(ModelService):
    def apply(self, operation: Operation, now_ms: int) -> Outcome:
        kept = operation.op == "patch" and operation.metadata == "kept"
        return super().apply(replace(operation, metadata=None) if kept else operation, now_ms)


class TakesWeakTags(ModelService):
    def apply(self, operation: Operation, now_ms: int) -> Outcome:
        tags = (operation.if_match or "").replace("W/", "") or None
        return super().apply(replace(operation, if_match=tags), now_ms)


class RespellsNumbers(ModelService):
    def shown(self, operation: Operation, outcome: Outcome) -> dict[str, str]:
        texts = super().shown(operation, outcome)
        return {name: text.replace("2.50", "2.5") if name == "value" else text for name, text in texts.items()}


class RepeatsEtags(ModelService):
    def __init__(self) -> None:
        super().__init__()
        self._etags = map('"{:012}"'.format, itertools.repeat(1))


class ListsWhatHasExpired(ModelService):
    def _list(self, query: dict[str, str], now_ms: int) -> dict[str, Any]:
        return super()._list(query, now_ms - 1)


class AppliesHalf(ModelService):
    def _batch(self, body: dict[str, str], now_ms: int) -> dict[str, Any]:
        tried = super()._batch(body, now_ms)
        if tried["statusCode"] == 409:
            super()._batch({"operations": body["operations"]}, now_ms)
        return tried


class DoesItAgain(ModelService):
    def serve(self, event: dict[str, Any], *, now_ms: int) -> dict[str, Any]:
        first = self._serve(event, now_ms)
        return self.replay(first) if "idempotency-key" in event["headers"] else first


FAULTS: list[Callable[[], ModelService]] = [
    LateExpiry,
    ForgetsMetadata,
    TakesWeakTags,
    RespellsNumbers,
    RepeatsEtags,
    ListsWhatHasExpired,
    AppliesHalf,
    DoesItAgain,
]


@pytest.mark.parametrize("faulty", FAULTS)
def test_fault_is_detected(faulty: Callable[[], ModelService]) -> None:
    with pytest.raises(AssertionError):
        run(faulty(), 400)
