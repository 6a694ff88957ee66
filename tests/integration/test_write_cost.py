"""Cost of a write in DynamoDB's capacity units, as reported by the table and its index."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from kv_service.http.app import create_app
from tests.support.kv_process import call

if TYPE_CHECKING:
    from kv_common.http import Api
    from kv_service.container import Kv
    from tests.support.tenant import Tenant

VALUE = "/v1/{namespace}/{key}"


def order(size: int) -> str:
    """Return a realistic order of exactly `size` bytes of JSON."""
    lines = [
        {"sku": "TEA-0042", "name": "Darjeeling First Flush, 100 g", "quantity": 2, "price": "14.90", "tax": 0.07},
        {"sku": "POT-1103", "name": "Teapot, cast iron, 0.8 l", "quantity": 1, "price": "64.00", "tax": 0.19},
        {"sku": "CUP-0207", "name": "Cup, porcelain, white", "quantity": 4, "price": "9.50", "tax": 0.19},
        {"sku": "STR-0019", "name": "Strainer, stainless steel", "quantity": 1, "price": "6.20", "tax": 0.19},
    ]
    address = {"name": "Ada Lovelace", "street": "12 St James's Square", "city": "London", "country": "GB"}
    document = {
        "id": "ord_9f8e6b1c40d7",
        "status": "paid",
        "currency": "EUR",
        "customer": {"id": "cus_51bd0e77a2", "email": "ada@example.com", "since": "2024-03-17T09:41:07.219Z"},
        "billing_address": address,
        "shipping_address": address,
        "lines": lines,
        "total": "173.00",
        "created_at": "2026-11-20T18:02:33.870Z",
        "note": "",
    }
    missing = size - len(json.dumps(document))
    note = (
        "Please ring twice, the bell at the gate is broken; or leave it with the neighbours, they know. Thanks! Also:"
    )
    document["note"] = (note + " happy birthday, Charles, and many more of them.")[:missing]
    text = json.dumps(document)
    assert len(text) == size
    return text


def noise(size: int) -> str:
    """Return a JSON string of `size` bytes with uniformly random printable ASCII characters."""
    characters = [character for character in map(chr, range(0x20, 0x7F)) if character not in '"\\']
    return '"' + "".join(random.Random(7).choices(characters, k=size - 2)) + '"'


@pytest.fixture
def app(kv: Kv) -> Api:
    return create_app(lambda: kv)


@pytest.fixture
def units(kv: Kv) -> list[tuple[float, float]]:
    """The write units of the table and of its index for each write."""
    written: list[tuple[float, float]] = []
    events = kv.service._client.meta.events

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"

    def note(parsed: dict[str, Any], **_: Any) -> None:
        used = parsed["ConsumedCapacity"]
        index = used.get("GlobalSecondaryIndexes", {}).get("list", {}).get("CapacityUnits", 0)
        written.append((used["Table"]["CapacityUnits"], index))

    for operation in ("UpdateItem", "PutItem", "DeleteItem"):
        events.register(f"provide-client-params.dynamodb.{operation}", ask)
        events.register(f"after-call.dynamodb.{operation}", note)
    return written


COSTS = {
    "an order of 1,000 bytes": (order(1_000), (1, 1)),
    "an order of 1,024 bytes": (order(1_024), (1, 1)),
    "1,000 bytes of noise": (noise(1_000), (1, 1)),
    "1,200 bytes of noise": (noise(1_200), (2, 1)),
    "a number": ("1" * 18, (1, 1)),
}


def test_value_of_1_kb_costs_one_unit_on_table_and_index(
    app: Api, units: list[tuple[float, float]], tenant: Tenant
) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    measured = {}
    for name, (text, _) in COSTS.items():
        units.clear()
        path = {"namespace": "app", "key": "order:" + name.translate({ord(" "): "-", ord(","): None})}
        for expected in (201, 200):
            status, answered, _ = call(app, "PUT", VALUE, path, headers=headers, body=f'{{"value":{text}}}')
            assert status == expected
        sent = headers | {"if-match": answered["ETag"]}
        assert call(app, "PUT", VALUE, path, headers=sent, body=f'{{"value":{text}}}')[0] == 200
        measured[name] = set(units)
    assert measured == {name: {cost} for name, (_, cost) in COSTS.items()}


def test_patch_and_increment_cost_as_much_as_a_put(app: Api, units: list[tuple[float, float]], tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    path = {"namespace": "app", "key": "order:2026-000417"}
    put = f'{{"value":{order(1_000)},"ttl":86400,"metadata":{{"type":"order"}}}}'
    assert call(app, "PUT", VALUE, path, headers=headers, body=put)[0] == 201
    assert call(app, "PATCH", VALUE, path, headers=headers, body='{"value":{"status":"sent"}}')[0] == 200
    assert call(app, "POST", VALUE + "/increment", {**path, "key": "orders"}, headers=headers)[0] == 200
    assert call(app, "DELETE", VALUE, path, headers=headers)[0] == 204
    assert units == [(1, 1)] * 4
