"""The documents of events say what the code does, and are up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.cloudformation.lint import lint
from infra.docs_build.events import documents, schema
from infra.docs_build.table import subscriptions, with_table
from infra.repository import Repository, Service
from kv_common.events import (
    AccountCreated,
    AccountDeleted,
    ApiKeyIssued,
    ApiKeyRevoked,
    ApiKeyUsed,
    Contract,
    Event,
    JobDue,
    NamespaceCreated,
    NamespaceDeleted,
    PaymentFailed,
    PlanChanged,
    PlanChangeScheduled,
    PlanLimits,
    RequestServed,
    Served,
    StorageChanged,
    ThresholdCrossed,
)
from kv_common.events.contracts import CATALOG

REPOSITORY = Repository.here()
FOLDER = REPOSITORY.root / "docs" / "events"
EXAMPLES: list[Contract] = [
    AccountCreated(email="ada@example.com"),
    AccountDeleted(),
    ApiKeyIssued(key_id="key_000000000001", display="kv_live_0000", namespaces=("*",), scopes=("read", "write")),
    ApiKeyRevoked(key_id="key_000000000001", display="kv_live_0000", digest="0" * 64, reason="deleted"),
    ApiKeyUsed(keys={"key_000000000001": 29_916_666}),
    JobDue(job_id="0123456789ab", turn=1),
    NamespaceCreated(namespace_id="0123456789ab", name="app"),
    NamespaceDeleted(namespace_id="0123456789ab", name="app"),
    PaymentFailed(amount=1_500, currency="USD", subscription_id="sub_1", next_attempt_at="2026-11-23T10:00:00.000000Z"),
    PlanChangeScheduled(
        from_plan="pro",
        to_plan="free",
        effective_at="2026-12-01T00:00:00.000000Z",
        reason="canceled",
        subscription_id="sub_1",
    ),
    PlanChanged(
        from_plan="free",
        to_plan="pro",
        limits=PlanLimits(
            requests_per_second=100, burst=200, requests_per_month=1_000_000, storage_bytes=10_000_000_000
        ),
        effective_at="2026-11-20T10:00:00.000000Z",
        changed_at_us=1_795_000_000_000_000,
        source_event="evt_1",
        subscription_id="sub_1",
    ),
    RequestServed(
        minute=29_916_666,
        epoch="00ff",
        changes=3,
        namespaces={"0123456789ab": Served(requests={"get": 2, "put": 1}, bytes_in=120)},
    ),
    StorageChanged(namespace_id="0123456789ab", bytes_delta=-120, keys_delta=-1, shard="shard-1", sequence="123"),
    ThresholdCrossed(period="2026-11", metric="requests", threshold=80, used=8_000, limit=10_000, plan="free"),
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
        assert not validator.is_valid({**event, "data": {**event["data"], name: {"wrong": []}}})
    assert not validator.is_valid({**event, "version": data.VERSION + 1})


def test_the_bus_lists_every_event_with_a_schema_that_exists() -> None:
    asyncapi = json.loads(documents()["asyncapi.json"])
    messages = asyncapi["components"]["messages"]
    assert set(messages) == set(asyncapi["channels"]["bus"]["messages"]) == set(CATALOG)
    for message in messages.values():
        assert message["payload"]["$ref"].removeprefix("./") in documents()


def test_every_event_is_told_by_a_service_that_exists_and_by_no_other_on_the_bus() -> None:
    asyncapi = json.loads(documents()["asyncapi.json"])
    told_by = {
        message["$ref"].rsplit("/", 1)[1]: service
        for service, operation in asyncapi["operations"].items()
        for message in operation["messages"]
    }

    assert told_by == {name: contract.PRODUCER for name, contract in CATALOG.items()}
    assert set(told_by.values()) <= {service.name for service in REPOSITORY.services()}


def test_the_table_of_events_is_the_one_the_code_makes() -> None:
    kept = (FOLDER / "README.md").read_text()

    assert with_table(kept, REPOSITORY) == kept, "run `make docs`"
    assert kept.count(".schema.json) |") == len(CATALOG)


@pytest.mark.parametrize("service", REPOSITORY.services(), ids=lambda service: service.name)
def test_a_service_takes_from_each_source_only_what_that_tells(service: Service) -> None:
    own = {source: names for source, names in subscriptions(service).items() if source.startswith("kv.")}
    for source, names in own.items():
        assert {CATALOG[name].PRODUCER for name in names} == {source.removeprefix("kv.")}


def test_the_example_of_a_subscriber_is_valid_cloudformation() -> None:
    lint(FOLDER / "example" / "template.json")
