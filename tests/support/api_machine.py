"""A state machine that applies operations to the API and to the model, and compares the results."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support import operations, requests
from tests.support.kv_process import event
from tests.support.model import READS, Model, Operation, elements, members
from tests.support.response_checks import description, require_match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.requests import Response

_NEVER = '"neverwasone1"'


class Service(Protocol):
    """A service for gateway events, with a settable clock."""

    def serve(self, event: dict[str, Any], *, now_ms: int) -> dict[str, Any]:
        """Return the response to an event at the given time."""


@dataclass
class Server:
    """The service, a namespace, and a monotonic clock; `performed` counts API operations by status."""

    service: Service
    namespace: str
    headers: dict[str, str]
    now_ms: int
    performed: Counter[tuple[str, int]] = field(default_factory=Counter)
    numbers: Iterator[int] = field(default_factory=itertools.count)


class ApiMachine(RuleBasedStateMachine):
    """Keys under a prefix in the server's namespace, and a model of them."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self._prefix = f"{next(server.numbers)}-"
        # Reproducible: the same steps happen at the same fractions of a second.
        server.now_ms += 1_000 - server.now_ms % 1_000
        self._model = Model()
        self._former: list[str] = []

    @initialize(made=st.lists(operations.puts, max_size=8))
    def begin(self, made: list[Operation]) -> None:
        """Store some initial values."""
        if made:
            self.batch(made, atomic=False, once=False)

    @rule(operation=operations.reads)
    def read(self, operation: Operation) -> None:
        """Read one value."""
        self._alone(operation)

    @rule(operation=operations.writes)
    def write(self, operation: Operation) -> None:
        """Store or delete one value."""
        self._alone(operation)

    @rule(operation=operations.changes)
    def change(self, operation: Operation) -> None:
        """Patch or increment one value."""
        self._alone(operation)

    @rule(operation=operations.once, between=operations.writes)
    def write_once(self, operation: Operation, between: Operation) -> None:
        """Repeat an idempotent write after another write."""
        sent = self._known(operation)
        headers = self._headers_once()
        first = self._serve(requests.request(sent, self._server.namespace, headers))
        self._compare(sent, first)
        self._alone(between)
        self._require_same(first, self._serve(requests.request(sent, self._server.namespace, headers)))

    @rule(made=operations.batches, atomic=st.booleans(), once=st.booleans())
    def batch(self, made: list[Operation], *, atomic: bool, once: bool) -> None:
        """Send several operations in one request, and perhaps repeat it."""
        if self._holds(operations.LARGE) or any(operation.value == operations.LARGE for operation in made):
            made = made[:8]  # Lambda's limit is 6 MB
        sent = [self._known(operation) for operation in made]
        headers = self._headers_once() if once else self._server.headers
        request = requests.batch_request(sent, self._server.namespace, headers, atomic=atomic)
        response = self._serve(request)
        if not atomic or not self._require_none_applied(sent, response):
            assert response.status == 200, response
            for operation, result in zip(sent, requests.results(response), strict=True):
                self._compare(operation, result)
        if once:
            self._require_same(response, self._serve(request))

    @rule(
        prefix=st.sampled_from(operations.PREFIXES),
        limit=st.sampled_from([None, "1", "2", "3", "1000"]),
        include=st.sampled_from([None, "metadata"]),
        consistency=st.sampled_from([None, "strong", "eventual"]),
    )
    def list(self, prefix: str, limit: str | None, include: str | None, consistency: str | None) -> None:
        """Read all pages of keys."""
        asked = {"prefix": self._prefix + prefix, "limit": limit, "include": include, "consistency": consistency}
        query = {name: text for name, text in asked.items() if text is not None}
        listed: list[str] = []
        while True:
            path = {"namespace": self._server.namespace}
            response = self._serve(event("GET", requests.NAMESPACE, path, headers=self._server.headers, query=query))
            self._note("list", response)
            assert response.status == 200, response
            page = elements(response.members["keys"])
            assert len(page) <= int(limit or 100)
            listed += page
            if "cursor" not in response.members:
                break
            query["cursor"] = json.loads(response.members["cursor"])
        self._require_listed(
            [members(text) or {} for text in listed], self._prefix + prefix, metadata=include is not None
        )

    @rule(step=st.sampled_from([1, 999, 1_000, 60_000]))
    def wait(self, step: int) -> None:
        """Advance the clock."""
        self._server.now_ms += step

    @rule(look=operations.reads, before=st.sampled_from([1, 0]))
    def wait_for_an_expiry(self, look: Operation, before: int) -> None:
        """Read a key at its expiry, or one millisecond earlier."""
        now_ms = self._server.now_ms
        # An expiry in a hundred years is out of the clock's range.
        ends = [
            (entry.expires_s * 1000 - before, key)
            for key, entry in self._model.entries.items()
            if entry.expires_s and now_ms < entry.expires_s * 1000 - before <= now_ms + 86_400_000
        ]
        if ends:
            self._server.now_ms, key = min(ends)
            self._alone(replace(look, key=key.removeprefix(self._prefix)))

    def teardown(self) -> None:
        """Delete the remaining keys, which would make later lists slower."""
        left = [Operation("delete", self._prefix + key) for key in operations.KEYS]
        self._serve(requests.batch_request(left, self._server.namespace, self._server.headers, atomic=False))

    def _alone(self, operation: Operation) -> None:
        sent = self._known(operation)
        self._compare(sent, self._serve(requests.request(sent, self._server.namespace, self._server.headers)))

    def _serve(self, request: dict[str, Any]) -> Response:
        return requests.read(self._server.service.serve(request, now_ms=self._server.now_ms))

    def _holds(self, text: str) -> bool:
        return any(entry.size and entry.size >= len(text) // 2 for entry in self._model.entries.values())

    def _headers_once(self) -> dict[str, str]:
        return {**self._server.headers, "idempotency-key": f"request-{next(self._server.numbers)}"}

    def _require_same(self, first: Response, again: Response) -> None:
        self._note("again", again)
        assert again.headers.pop("Idempotent-Replayed") == "true"
        assert (again.status, again.etag, again.headers.get("Last-Modified")) == (
            first.status,
            first.etag,
            first.headers.get("Last-Modified"),
        )
        # Every error response has its own correlation id.
        assert {**again.error, "correlation_id": ""} == {**first.error, "correlation_id": ""}
        assert again.error or again.members == first.members

    def _known(self, operation: Operation) -> Operation:
        """Return the operation with this machine's key prefix and resolved ETags."""
        key = self._prefix + operation.key
        return replace(
            operation,
            key=key,
            if_match=self._tags(key, operation.if_match),
            if_none_match=self._tags(key, operation.if_none_match),
        )

    def _tags(self, key: str, name: str | None) -> str | None:
        entry = self._model.entry(key, self._server.now_ms)
        current = _NEVER if entry is None or entry.etag is None else entry.etag
        others = [other.etag for other in self._model.entries.values() if other.etag not in (None, current)]
        match name:
            case "current":
                return current
            case "a former one":
                return next((etag for etag in reversed(self._former) if etag != current), _NEVER)
            case "another key's":
                return others[-1] if others else _NEVER
            case "current among others":
                return f"{_NEVER}, {current} ,{_NEVER}"
            case "current as a weak tag":
                return f"W/{current}"
        return name

    def _compare(self, operation: Operation, response: Response) -> None:
        outcome = self._model.apply(operation, self._server.now_ms)
        learned = require_match(response, outcome, operation)
        self._note(operation.op, response)
        if outcome.entry is None:
            return
        if operation.op not in READS:
            assert learned["etag"] not in self._former
            self._former.append(learned["etag"])
        self._model.learn(operation.key, **learned)

    def _require_none_applied(self, sent: Sequence[Operation], response: Response) -> bool:
        """Return whether one of the operations fails in the model; the response must then be the same."""
        tried = self._model.copy()
        statuses = [tried.apply(operation, self._server.now_ms).status for operation in sent]
        refused = [(index, status) for index, status in enumerate(statuses) if status >= 400]
        if refused:
            assert (response.status, response.reason) == (409, "not_applied")
            failed = [members(text) or {} for text in elements((members(response.error["details"]) or {})["failed"])]
            assert [(int(one["index"]), int(one["status"])) for one in failed] == refused
            self._server.performed["batch", 409] += len(sent)
        return bool(refused)

    def _require_listed(self, listed: Sequence[dict[str, str]], prefix: str, *, metadata: bool) -> None:
        expected = []
        for key in self._model.keys(prefix, self._server.now_ms):
            entry = self._model.entries[key]
            described = description(key, entry, metadata=metadata)
            expected.append(described | {"etag": json.dumps(entry.etag)} if metadata else described)
        assert listed == expected

    def _note(self, kind: str, response: Response) -> None:
        self._server.performed[kind, response.status] += 1
