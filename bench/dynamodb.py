"""Starts and stops the DynamoDB stub and reads its counters."""

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
from kv_service.persistence import value_codec
from kv_service.values.model import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.account import Account

_STUB = Path(__file__).with_name("dynamodb_stub.py")
StubResponse = tuple[str, str, dict[str, Any]]
ETAG = "0123456789ab"


class Stub:
    """A running stub."""

    def __init__(self, port: int) -> None:
        self._port = port

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._port}"

    def seen(self) -> dict[str, int]:
        """Requests and bytes in and out since it was started."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/")
            counts: dict[str, int] = json.load(connection.getresponse())
            return counts
        finally:
            connection.close()


@contextmanager
def stub(responses: Sequence[StubResponse], *, delay_ms: float = 0) -> Iterator[Stub]:
    """Start a stub with these responses, each sent after a delay."""
    with subprocess.Popen(
        [sys.executable, str(_STUB)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        if run.stdin is None or run.stdout is None:
            raise BenchError("The stub has no pipes.")
        run.stdin.write(json.dumps({"delay_ms": delay_ms, "responses": responses}) + "\n")
        run.stdin.flush()
        try:
            yield Stub(int(run.stdout.readline()))
        finally:
            run.stdin.close()


def admission_data(account: Account, table: str, credentials_table: str) -> StubResponse:
    """The response to admission's batch read of an account."""
    items_by_table = {table: account.own_items(), credentials_table: [account.credential()]}
    return ("BatchGetItem", account.account_id, {"Responses": items_by_table, "UnprocessedKeys": {}})


def value_item(account: Account, key: str, text: str) -> dict[str, Any]:
    """A value as an item of kv's table."""
    return {"PK": {"S": f"V#{account.namespace_id}"}, "SK": {"S": key}, **value_codec.encode(_version(key, text))}


def as_json(item: dict[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's JSON: bytes in base64."""
    sent = {}
    for name, value in item.items():
        ((kind, content),) = value.items()
        sent[name] = {kind: base64.b64encode(content).decode() if kind == "B" else content}
    return sent


def _version(key: str, text: str) -> Version:
    return Version(key, text, len(text), ETAG, 1_795_000_000_000, 1_795_000_000_000)


def page(account: Account, keys: int) -> dict[str, Any]:
    """A full page of keys that is not the last."""
    partition = {"S": f"V#{account.namespace_id}"}
    entry = {name: value for name, value in value_codec.encode(_version("", json_value(1_000))).items() if name != "v"}
    entries = [{"SK": {"S": f"user:{number:08}"}, **entry} for number in range(keys)]
    last = {"PK": partition, "SK": entries[-1]["SK"]}
    return {"Items": entries, "Count": keys, "ScannedCount": keys, "LastEvaluatedKey": last}


CURSOR_SECRET: StubResponse = (
    "GetItem",
    "CURSOR_SECRET",
    {"Item": {"secret": {"B": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}},
)
