"""Usage through the whole path: published, applied by the deployed function, shown to its owner."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kv_common.events import (
    AccountDeleted,
    Event,
    NamespaceCreated,
    NamespaceDeleted,
    PlanChanged,
    PlanLimits,
    RequestServed,
    Served,
    StorageChanged,
)
from kv_common.events.outbox import outbox_item
from kv_common.events.publisher import Publisher
from tests.support.bus import new_event, publish
from tests.support.function_logs import function_logs
from tests.support.tenant import sign_up, stack_output
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

LIMITS = PlanLimits(requests_per_second=10, burst=20, requests_per_month=100, storage_bytes=3_000)


def month_of(tenant: Tenant) -> dict[str, Any]:
    response = tenant.http.get("/v1/usage", headers=tenant.bearer)
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()
    return shown


def lived(tenant: Tenant) -> list[Event]:
    """Return the events of a tenant that has created a namespace and used it."""
    minute = int(time.time()) // 60
    served = {
        "ns-1": Served(requests={"get": 80, "put": 5}, bytes_in=1_234),
        "-": Served(requests={"get": 1}, bytes_in=0),
    }
    return [
        new_event(tenant.account_id, NamespaceCreated(namespace_id="ns-1", name="app")),
        new_event(
            tenant.account_id,
            StorageChanged(namespace_id="ns-1", bytes_delta=1_000, keys_delta=7, shard="shard", sequence="1"),
        ),
        new_event(
            tenant.account_id,
            RequestServed(minute=minute, epoch="e", changes=1, namespaces=served),
            event_id=f"{tenant.account_id}#{minute}#e",
        ),
    ]


def test_new_account_has_no_usage(tenant: Tenant) -> None:
    assert month_of(tenant) == {
        "period": datetime.now(UTC).strftime("%Y-%m"),
        "plan": "free",
        "requests": {"used": 0, "limit": 10_000, "percent": 0.0, "by_operation": {}, "bytes_in": 0},
        "storage": {"used_bytes": 0, "limit_bytes": 100_000_000, "percent": 0.0, "keys": 0},
        "by_namespace": [],
        "updated_at": None,
    }


def test_published_usage_is_shown_only_to_its_account(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    other = sign_up(local, http)
    change = PlanChanged(
        from_plan="free",
        to_plan="starter",
        limits=LIMITS,
        effective_at="2026-11-01T00:00:00Z",
        changed_at_us=1,
        source_event="evt_1",
    )
    publish(local, "kv.billing", [new_event(tenant.account_id, change)])
    publish(local, "kv.kv", lived(tenant))

    def shown() -> dict[str, Any]:
        month = month_of(tenant)
        complete = month["requests"]["used"] == 86 and month["storage"]["keys"] == 7 and month["plan"] == "starter"
        return month if complete and month["by_namespace"][0]["namespace"] == "app" else {}

    month = await_value(shown, within=30)
    assert month["requests"] == {
        "used": 86,
        "limit": 100,
        "percent": 86.0,
        "by_operation": {"get": 81, "put": 5},
        "bytes_in": 1_234,
    }
    assert month["storage"] == {"used_bytes": 1_000, "limit_bytes": 3_000, "percent": 33.33, "keys": 7}
    assert month["by_namespace"] == [
        {"namespace": "app", "requests": 85, "bytes_in": 1_234, "stored_bytes": 1_000, "keys": 7},
        {"namespace": None, "requests": 1, "bytes_in": 0, "stored_bytes": 0, "keys": 0},
    ]
    assert month_of(other)["requests"]["used"] == 0
    foreign = http.get("/v1/usage/history?namespace=app", headers=other.bearer)
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_crossed_threshold_is_published(local: LocalEnvironment, tenant: Tenant) -> None:
    change = PlanChanged(
        from_plan="free",
        to_plan="starter",
        limits=LIMITS,
        effective_at="2026-11-01T00:00:00Z",
        changed_at_us=1,
        source_event="evt_1",
    )
    publish(local, "kv.billing", [new_event(tenant.account_id, change)])
    publish(local, "kv.kv", lived(tenant))

    def published() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in function_logs(local, "usage") if '"published"' in line]
        return [line for line in lines if line["event_id"].startswith(tenant.account_id)]

    [line] = await_value(published, within=30)
    assert line["event"] == "ThresholdCrossed"
    assert "#requests#80#" in line["event_id"]


def test_history_of_a_deleted_namespace_keeps_its_name(local: LocalEnvironment, tenant: Tenant) -> None:
    ended = [
        new_event(tenant.account_id, NamespaceDeleted(namespace_id="ns-1", name="app")),
        new_event(
            tenant.account_id,
            StorageChanged(namespace_id="ns-1", bytes_delta=-1_000, keys_delta=-7, shard="shard", sequence="2"),
        ),
    ]
    publish(local, "kv.kv", [*lived(tenant), *ended])
    path = "/v1/usage/history?namespace=app"

    def today() -> dict[str, Any]:
        response = tenant.http.get(path, headers=tenant.bearer)
        last = response.json()["history"][-1] if response.status_code == 200 else {"requests": 0}
        return last if last["requests"] == 85 and month_of(tenant)["storage"]["keys"] == 0 else {}

    assert await_value(today, within=30) == {
        "period": datetime.now(UTC).date().isoformat(),
        "requests": 85,
        "by_operation": {"get": 80, "put": 5},
        "bytes_in": 1_234,
    }
    months = tenant.http.get(f"{path}&granularity=month&from=2026-01", headers=tenant.bearer).json()
    assert months["from"] == "2026-01-01"
    assert [one["requests"] for one in months["history"]][-1] == 85


def test_usage_of_a_deleted_account_is_removed(local: LocalEnvironment, tenant: Tenant) -> None:
    change = PlanChanged(
        from_plan="free",
        to_plan="starter",
        limits=LIMITS,
        effective_at="2026-11-01T00:00:00Z",
        changed_at_us=1,
        source_event="evt_1",
    )
    publish(local, "kv.billing", [new_event(tenant.account_id, change)])
    publish(local, "kv.kv", lived(tenant))
    client, table = local.aws_client("dynamodb"), stack_output(local, "usage", "TableName")

    def kept() -> set[str]:
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return {
            item["SK"]["S"].partition("#")[0]
            for page in pages
            for item in page["Items"]
            if tenant.account_id in str(item)
        }

    await_value(lambda: {"MONTH", "OUTBOX"} <= kept(), within=30)
    publish(local, "kv.auth", [new_event(tenant.account_id, AccountDeleted())])
    await_value(lambda: not kept(), within=30)


def test_usage_requires_a_session(http: httpx.Client, tenant: Tenant) -> None:
    key = tenant.key()
    for path in ("/v1/usage", "/v1/usage/history"):
        for headers in ({}, key, {"Authorization": "Bearer " + tenant.session["access_token"][:-4] + "AAAA"}):
            response = http.get(path, headers=headers)
            assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHORIZED")


class CrashingBus:
    """A bus client whose process crashes as soon as its events are accepted."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put_events(self, **arguments: Any) -> Any:
        assert self._client.put_events(**arguments)["FailedEntryCount"] == 0
        raise SystemExit("killed")


def test_events_of_a_killed_publisher_are_republished_and_counted_once(local: LocalEnvironment, tenant: Tenant) -> None:
    events = lived(tenant)
    records = [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "SequenceNumber": str(number),
                "Keys": {name: outbox_item(one)[name] for name in ("PK", "SK")},
                "NewImage": outbox_item(one),
            },
        }
        for number, one in enumerate(events)
    ]
    bus = local.aws_client("events")
    with pytest.raises(SystemExit):
        Publisher(CrashingBus(bus), "kv-local", "kv.kv").publish(records)  # type: ignore[arg-type]
    # Nothing was acknowledged, so the stream redelivers everything, here to three publishers in turn.
    for _ in range(3):
        assert Publisher(bus, "kv-local", "kv.kv").publish(records) == {"batchItemFailures": []}

    def delivered() -> int:
        event_ids = {event.id for event in events}
        lines = [json.loads(line) for line in function_logs(local, "usage") if '"outcome":"done"' in line]
        return sum(line.get("event_id") in event_ids for line in lines)

    await_value(lambda: delivered() == 4 * len(events), within=30)
    month = month_of(tenant)
    assert (month["requests"]["used"], month["storage"]["keys"], month["storage"]["used_bytes"]) == (86, 7, 1_000)
