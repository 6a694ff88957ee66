"""The stub of DynamoDB as a benchmark uses it: a process that is started, asked what it saw, and stopped."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.values import json_value
from kv_service.store import items
from kv_service.values.versions import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.account import Account

_STUB = Path(__file__).with_name("dynamodb_stub.py")
Answer = tuple[str, str, dict[str, Any]]
ETAG = "0123456789ab"


class Stub:
    """A running stub."""

    def __init__(self, port: int) -> None:
        self._port = port

    @property
    def endpoint(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._port}"

    def seen(self) -> dict[str, int]:
        """Requests, and bytes in and out, since it was started."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/")
            counts: dict[str, int] = json.load(connection.getresponse())
            return counts
        finally:
            connection.close()


@contextmanager
def stub(answers: Sequence[Answer], *, delay_ms: float = 0) -> Iterator[Stub]:
    """Start a stub that gives these answers, each after a delay."""
    with subprocess.Popen(
        [sys.executable, str(_STUB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        if run.stdin is None or run.stdout is None:
            raise BenchError("The stub has no pipes.")
        run.stdin.write(json.dumps({"delay_ms": delay_ms, "answers": answers}) + "\n")
        run.stdin.flush()
        try:
            yield Stub(int(run.stdout.readline()))
        finally:
            run.stdin.close()


def facts(account: Account, table: str, credentials_table: str) -> Answer:
    """What admission's batch read finds of an account."""
    found = {table: account.own_items(), credentials_table: [account.credential()]}
    return ("BatchGetItem", account.account_id, {"Responses": found, "UnprocessedKeys": {}})


def value_item(account: Account, key: str, text: str) -> dict[str, Any]:
    """A value as kv keeps it in its table."""
    return {"PK": {"S": f"V#{account.namespace_id}"}, "SK": {"S": key}, **items.encode(_version(key, text))}


def as_json(item: dict[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB sends it: bytes as text."""
    sent = {}
    for name, value in item.items():
        ((kind, content),) = value.items()
        sent[name] = {kind: base64.b64encode(content).decode() if kind == "B" else content}
    return sent


def _version(key: str, text: str) -> Version:
    return Version(key, text, len(text), ETAG, 1_795_000_000_000, 1_795_000_000_000)


def page(account: Account, keys: int) -> dict[str, Any]:
    """A page of that many keys, after which there are more."""
    partition = {"S": f"V#{account.namespace_id}"}
    entry = {name: value for name, value in items.encode(_version("", json_value(1_000))).items() if name != "v"}
    found = [{"SK": {"S": f"user:{number:08}"}, **entry} for number in range(keys)]
    last = {"PK": partition, "SK": found[-1]["SK"]}
    return {"Items": found, "Count": keys, "ScannedCount": keys, "LastEvaluatedKey": last}


CURSOR_SECRET: Answer = (
    "GetItem",
    "CURSOR_SECRET",
    {"Item": {"secret": {"B": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}},
)
