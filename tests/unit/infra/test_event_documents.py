"""The documents of events say what the code does, and are up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.documents.events import documents, schema
from infra.repository import Repository
from kv_common.events import AccountCreated, ApiKeyIssued, ApiKeyRevoked, Contract, Event
from kv_common.events.contracts import CATALOG

FOLDER = Repository.here().root / "docs" / "events"
EXAMPLES: list[Contract] = [
    AccountCreated("ada@example.com"),
    ApiKeyIssued("key_000000000001", "kv_live_0000", ("*",), ("read", "write")),
    ApiKeyRevoked("key_000000000001", "kv_live_0000", "0" * 64, "deleted"),
]


def told(data: Contract) -> dict[str, Any]:
    event = Event("id", "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e", "correlation", 1_795_000_000_000_000, data)
    decoded: dict[str, Any] = json.loads(event.encode())
    return decoded


def test_the_documents_in_the_repository_are_those_the_code_makes() -> None:
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert kept == documents(), "run `make docs`"


def test_every_event_has_an_example_here() -> None:
    assert {data.event_name() for data in EXAMPLES} == set(CATALOG)


@pytest.mark.parametrize("data", EXAMPLES, ids=lambda data: data.event_name())
def test_what_is_told_fits_its_schema(data: Contract) -> None:
    validator = Draft202012Validator(schema(type(data)))
    validator.check_schema(validator.schema)
    assert validator.is_valid(told(data))


@pytest.mark.parametrize("data", EXAMPLES, ids=lambda data: data.event_name())
def test_what_does_not_fit_is_found(data: Contract) -> None:
    validator = Draft202012Validator(schema(type(data)))
    event = told(data)
    for name in event:
        assert not validator.is_valid({key: value for key, value in event.items() if key != name})
    for name in event["data"]:
        assert not validator.is_valid({**event, "data": {**event["data"], name: 1}})
    assert not validator.is_valid({**event, "version": data.VERSION + 1})


def test_the_bus_lists_every_event_with_a_schema_that_exists() -> None:
    asyncapi = json.loads(documents()["asyncapi.json"])
    messages = asyncapi["components"]["messages"]
    assert set(messages) == set(asyncapi["channels"]["bus"]["messages"]) == set(CATALOG)
    for message in messages.values():
        assert message["payload"]["$ref"].removeprefix("./") in documents()
