"""Units and bytes of GET, PUT and a list of 100 keys as a namespace grows in keys and in the size of its values.

Write units are reported by the emulator; read units are computed from the items read, because the emulator does not
count their bytes. Bytes are those of requests and responses on the wire. kv's handler runs in this process on a table
with the keys and the index of kv's template, which is filled directly and has no stream consumers. Every operation runs
at several places of the namespace, and the most expensive one counts.
"""

from __future__ import annotations

import io
import json
import math
import os
import random
import tempfile
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bench import dynamodb
from bench.account import NAMESPACE, Account
from bench.errors import BenchError
from bench.hot_path import PAGE, PAGE_ROUTE, VALUE, redis
from bench.results import Growth
from bench.values import json_value
from infra.deploy.cloud import EMULATOR_KEY, EMULATOR_SECRET
from infra.local.emulator import REGION, Emulator
from infra.local.ports import free_port
from infra.packaging.architecture import Architecture
from infra.packaging.build_cache import build
from infra.repository import Repository
from kv_common.dynamodb import factory
from kv_service.container import bootstrap
from kv_service.http.app import create_app
from tests.support.kv_process import call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.http import Api

KEYS = (100, 1_000, 10_000, 100_000, 1_000_000)
SIZES = (100, 1_000, 10_000, 100_000, 300_000)
_KEYS_OF_SIZES = 100
_PLACES = 5
_BATCH_BYTES = 4_000_000
_TABLE, _CREDENTIALS = "growth", "growth-credentials"


class Consumed:
    """Adds up units of the table and of the index, and bytes, of every call of a client."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.found: Counter[str] = Counter()
        events = client.meta.events
        events.register("before-parameter-build.dynamodb.*", _request_capacity)
        events.register("before-send.dynamodb.*", self._sent)
        events.register("after-call.dynamodb.*", self._received)

    def _sent(self, request: Any, **_: Any) -> None:
        self.found["bytes"] += len(request.body or b"")

    def _received(self, parsed: dict[str, Any], **_: Any) -> None:
        self.found["bytes"] += int(parsed["ResponseMetadata"]["HTTPHeaders"].get("content-length", 0))
        for one in _as_list(parsed.get("ConsumedCapacity")):
            indexes = one.get("GlobalSecondaryIndexes") or {}
            self.found["units_written"] += math.ceil(one["CapacityUnits"])
            self.found["index_units_written"] += math.ceil(sum(index["CapacityUnits"] for index in indexes.values()))
        # The emulator reports one unit for a read of any size; DynamoDB charges one per 4 KB.
        items = [parsed["Item"]] if "Item" in parsed else parsed.get("Items", [])
        self.found["units_read"] += math.ceil(sum(map(_billed, items)) / 4_096)


def _billed(item: dict[str, dict[str, Any]]) -> int:
    """Return the bytes of an item that DynamoDB charges: the names and values of all attributes.

    The projection of a list omits the partition key, which is charged too.
    """
    whole = {"PK": {"S": "V#0123456789ab"}, **item}
    return sum(len(name) + _value_bytes(*next(iter(value.items()))) for name, value in whole.items())


def _value_bytes(kind: str, value: Any) -> int:
    return len(value) // 2 + 2 if kind == "N" else len(value) if kind == "B" else len(value.encode())


def _request_capacity(params: dict[str, Any], **_: Any) -> None:
    params["ReturnConsumedCapacity"] = "INDEXES"


def _as_list(reported: Any) -> list[dict[str, Any]]:
    return reported if isinstance(reported, list) else [reported] if reported else []


def measure(*, quick: bool) -> list[Growth]:
    """Measure growth by keys and by size."""
    most = 10_000 if quick else KEYS[-1]
    steps = [(keys, 1_000) for keys in KEYS if keys <= most] + [(_KEYS_OF_SIZES, size) for size in SIZES]
    found: list[Growth] = []
    with (
        _tables() as client,
        redis() as (url, _),
        redirect_stdout(io.StringIO()),
        pytest.MonkeyPatch.context() as patched,
    ):
        # The emulator's query time grows with the number of keys, unlike DynamoDB's.
        patched.setattr(factory, "READ_TIMEOUT_S", 300)
        environment = {
            "TABLE": _TABLE,
            "CREDENTIALS_TABLE": _CREDENTIALS,
            "REDIS_URL": url,
            "TOKEN_ISSUER": "bench",
            "TOKEN_CLIENT_IDS": "bench",
        }
        kv = bootstrap({**_other_settings(), **environment})
        consumed = Consumed(kv.service._client)  # noqa: SLF001  # all stores share it
        app = create_app(lambda: kv)
        account, loaded, before = Account(), 0, 0
        for keys, size in steps:
            if keys < loaded or size != before:
                account, loaded, before = Account(), 0, size
            if not loaded:
                _store_account(client, account)
            _load(client, account, range(loaded, keys), size)
            loaded = keys
            measured = _measure(app, account, consumed, keys, size)
            if not measured.get_units or not measured.put_units or not measured.list_units:
                raise BenchError("The client reported no consumed capacity.")
            found.append(measured)
    return found


@contextmanager
def _tables() -> Iterator[Any]:
    """Start an emulator with tables like those of kv and auth."""
    with tempfile.TemporaryDirectory() as folder:
        program = Repository.here().root / ".venv-emulator" / "bin" / "ministack"
        emulator = Emulator(Path(folder), free_port(), program, persist=False)
        emulator.start()
        before = dict(os.environ)
        os.environ.update(
            AWS_ENDPOINT_URL=emulator.endpoint,
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            AWS_ACCESS_KEY_ID=EMULATOR_KEY,
            AWS_SECRET_ACCESS_KEY=EMULATOR_SECRET,
        )
        try:
            client: Any = boto3.Session().client("dynamodb")
            kv = _template("kv")["Resources"]["Table"]["Properties"]
            names = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
            client.create_table(TableName=_TABLE, **{name: kv[name] for name in names})
            client.create_table(
                TableName=_CREDENTIALS,
                KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            yield client
        finally:
            os.environ.clear()
            os.environ.update(before)
            emulator.stop()


def _template(service: str) -> dict[str, Any]:
    repository = Repository.here()
    package = build(repository, repository.service(service), Architecture.of_host())
    template: dict[str, Any] = json.loads(package.template.read_text())
    return template


def _other_settings() -> dict[str, str]:
    """Return placeholders for the settings of kv that are not used here."""
    variables = _template("kv")["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    return {name: f"bench-{name.lower()}" for name in variables}


def _store_account(client: Any, account: Account) -> None:
    for item in account.own_items():
        client.put_item(TableName=_TABLE, Item=item)
    client.put_item(TableName=_CREDENTIALS, Item=account.credential())


def _load(client: Any, account: Account, numbers: range, size: int) -> None:
    text = json_value(size)
    batch = max(1, min(25, _BATCH_BYTES // size))
    for start in range(numbers.start, numbers.stop, batch):
        chosen = range(start, min(start + batch, numbers.stop))
        items = [{"PutRequest": {"Item": dynamodb.value_item(account, _key(number), text)}} for number in chosen]
        if client.batch_write_item(RequestItems={_TABLE: items}).get("UnprocessedItems"):
            raise BenchError("The emulator's table rejected a batch.")


def _key(number: int) -> str:
    # Distributed, like real keys: not in the order of writing.
    return f"user:{number * 2_654_435_761 % 2**32:010}"


def _measure(app: Api, account: Account, consumed: Consumed, keys: int, size: int) -> Growth:
    """Run every operation at several places, after one that fills the caches."""
    chance = random.Random(keys)  # noqa: S311  # not a secret
    chosen = [_key(chance.randrange(keys)) for _ in range(_PLACES if keys < 100_000 else 1)]
    requests: dict[str, list[tuple[str, str, dict[str, str], dict[str, Any]]]] = {
        "get": [("GET", VALUE, {"key": key}, {}) for key in chosen],
        "put": [("PUT", VALUE, {"key": key}, {"body": f'{{"value": {json_value(size)}}}'}) for key in chosen],
        "list": [("GET", PAGE_ROUTE, {}, {"query": _page_at(key, keys)}) for key in chosen],
    }
    maxima: dict[str, Counter[str]] = {name: Counter() for name in requests}
    for name, places in requests.items():
        for number, (method, route, parameters, more) in enumerate([places[0], *places]):
            consumed.found.clear()
            path = {"namespace": NAMESPACE, **parameters}
            status, _, _ = call(app, method, route, path, headers=account.headers, **more)
            if status != 200:
                raise BenchError(f"{name} returned {status}.")
            if number:
                maxima[name] |= consumed.found
    return Growth(
        keys=keys,
        value_bytes=size,
        get_units=float(maxima["get"]["units_read"]),
        put_units=float(maxima["put"]["units_written"]),
        put_index_units=float(maxima["put"]["index_units_written"]),
        list_units=maxima["list"]["units_read"] / 2,  # eventually consistent
        get_bytes=maxima["get"]["bytes"],
        put_bytes=maxima["put"]["bytes"],
        list_bytes=maxima["list"]["bytes"],
    )


def _page_at(key: str, keys: int) -> dict[str, str]:
    """Return the query of a full page near a key; its prefix matches some hundreds of keys, or all of few."""
    digits = max(0, math.floor(math.log10(keys / 250)))
    return {"limit": str(PAGE), "prefix": key[: len("user:") + digits]}
