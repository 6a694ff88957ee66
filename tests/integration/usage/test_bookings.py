"""Usage recorded in the real table: by minute, for many namespaces, and never for a deleted account."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kv_common.events import (
    AccountDeleted,
    Contract,
    Event,
    NamespaceCreated,
    PlanChanged,
    PlanLimits,
    RequestServed,
    Served,
    StorageChanged,
)
from tests.support.dynamodb_calls import wrapped_calls
from tests.support.metering import event, expected

if TYPE_CHECKING:
    from tests.integration.usage.conftest import Usage

NOW_MINUTE = int(time.time()) // 60


def served(account_id: str, minute: int, changes: int, namespaces: dict[str, Served], epoch: str = "e") -> Event:
    return event(
        account_id,
        RequestServed(minute=minute, epoch=epoch, changes=changes, namespaces=namespaces),
        f"{account_id}#{minute}#{epoch}",
    )


def test_late_event_is_recorded_by_its_minute(usage: Usage, account_id: str) -> None:
    for days in (0, 1, 2):
        usage.take(
            served(account_id, NOW_MINUTE - days * 1_440, 1, {"a": Served(requests={"get": days + 1}, bytes_in=0)})
        )
    today = datetime.fromtimestamp(NOW_MINUTE * 60, UTC).date()
    counts = [usage.item(account_id, f"DAY#{today - timedelta(days=days)}#a")["n#get"]["N"] for days in (0, 1, 2)]
    assert counts == ["1", "2", "3"]


def test_closed_month_accepts_no_usage_and_reports_it(
    usage: Usage, account_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # 72 hours after the end of every month that began more than 35 days ago.
    old = NOW_MINUTE - 66 * 1_440
    usage.take(served(account_id, old, 1, {"a": Served(requests={"get": 5, "put": 2}, bytes_in=0)}))
    assert usage.items(account_id) == []
    assert '"LateUsageRequests":[7.0]' in capsys.readouterr().out


def test_report_of_three_hundred_namespaces_is_recorded_completely(usage: Usage, account_id: str) -> None:
    first = served(
        account_id, NOW_MINUTE, 1, {f"ns-{n:03}": Served(requests={"get": n, "put": 1}, bytes_in=n) for n in range(300)}
    )
    second = served(
        account_id,
        NOW_MINUTE,
        2,
        {f"ns-{n:03}": Served(requests={"get": n + n % 2}, bytes_in=2 * n) for n in range(1, 301)},
    )
    usage.take(first)
    assert usage.totals([account_id]) == expected([first])
    usage.take(second, first)
    assert usage.totals([account_id]) == expected([second])


def test_newer_report_may_be_smaller_and_an_older_one_is_ignored(usage: Usage, account_id: str) -> None:
    reports = [
        served(account_id, NOW_MINUTE, 3, {"a": Served(requests={"get": 5}, bytes_in=10)}),
        served(
            account_id,
            NOW_MINUTE,
            5,
            {"a": Served(requests={"get": 4, "put": 1}, bytes_in=10), "b": Served(requests={"get": 0}, bytes_in=0)},
        ),
        served(account_id, NOW_MINUTE, 4, {"c": Served(requests={"list": 9}, bytes_in=0)}),
    ]
    usage.take(*reports, *reports)
    assert usage.totals([account_id]) == expected(reports)


def test_epochs_of_a_minute_add_up(usage: Usage, account_id: str) -> None:
    reports = [
        served(account_id, NOW_MINUTE, 1, {"a": Served(requests={"get": 2}, bytes_in=1)}, epoch) for epoch in ("x", "y")
    ]
    usage.take(*reports)
    assert usage.totals([account_id]) == expected(reports)
    assert (
        usage.totals([account_id])[account_id, f"MONTH#{time.strftime('%Y-%m', time.gmtime(NOW_MINUTE * 60))}", "n#get"]
        == 4
    )


def test_minute_is_kept_for_longer_than_its_month_is_open(usage: Usage, account_id: str) -> None:
    usage.take(served(account_id, NOW_MINUTE, 1, {"a": Served(requests={"get": 1}, bytes_in=0)}))
    minute = usage.item(account_id, f"MINUTE#{NOW_MINUTE:010d}#e")
    month = datetime.fromtimestamp(NOW_MINUTE * 60, UTC).replace(day=1, hour=0, minute=0, second=0)
    end = (month + timedelta(days=31)).replace(day=1)
    assert int(minute["ttl"]["N"]) > (end + timedelta(hours=72)).timestamp()


def test_deleted_account_leaves_nothing_and_late_events_create_nothing(usage: Usage, account_id: str) -> None:
    plan = PlanChanged(
        from_plan="free",
        to_plan="pro",
        limits=PlanLimits(requests_per_second=1, burst=1, requests_per_month=10, storage_bytes=10),
        effective_at="2026-11-01T00:00:00Z",
        changed_at_us=1,
        source_event="evt",
    )
    life = [
        event(account_id, plan),
        event(account_id, NamespaceCreated(namespace_id="ns", name="app")),
        served(account_id, NOW_MINUTE, 1, {"ns": Served(requests={"get": 10}, bytes_in=5)}),
        event(account_id, StorageChanged(namespace_id="ns", bytes_delta=10, keys_delta=1, shard="s", sequence="1")),
    ]
    usage.take(*life)
    assert len(usage.published(account_id)) == 6

    usage.take(event(account_id, AccountDeleted()))
    assert usage.items(account_id) == []

    late = [
        served(account_id, NOW_MINUTE, 2, {"ns": Served(requests={"get": 20}, bytes_in=5)}),
        event(account_id, StorageChanged(namespace_id="ns", bytes_delta=-10, keys_delta=-1, shard="s", sequence="2")),
        event(
            account_id,
            PlanChanged(
                from_plan="pro",
                to_plan="free",
                limits=plan.limits,
                effective_at="2026-11-02T00:00:00Z",
                changed_at_us=2,
                source_event="evt",
            ),
        ),
        event(account_id, NamespaceCreated(namespace_id="ns-2", name="late")),
        event(account_id, AccountDeleted()),
    ]
    usage.take(*late, *life)
    assert usage.items(account_id) == []


@pytest.mark.parametrize(
    ("data", "units"),
    [
        (
            RequestServed(
                minute=NOW_MINUTE,
                epoch="e",
                changes=1,
                namespaces={"a": Served(requests={"get": 5, "put": 1}, bytes_in=10)},
            ),
            {"write": 8, "read": 3},
        ),
        (
            RequestServed(
                minute=NOW_MINUTE,
                epoch="e",
                changes=1,
                namespaces={
                    "a": Served(requests={"get": 5}, bytes_in=0),
                    "b": Served(requests={"put": 1}, bytes_in=10),
                },
            ),
            {"write": 10, "read": 3},
        ),
        (
            StorageChanged(namespace_id="a", bytes_delta=10, keys_delta=1, shard="s", sequence="1"),
            {"write": 8, "read": 2},
        ),
    ],
    ids=["requests of a namespace", "requests of two", "storage"],
)
def test_event_costs_the_documented_units(
    usage: Usage, account_id: str, data: Contract, units: dict[str, float]
) -> None:
    spent = {"write": 0.0, "read": 0.0}

    def counted(call: Any, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        response = call(client, operation, {**arguments, "ReturnConsumedCapacity": "TOTAL"})
        if operation == "TransactWriteItems":
            spent["write"] += sum(one["CapacityUnits"] for one in response["ConsumedCapacity"])
        elif operation == "BatchGetItem":
            # The emulator does not report these: one for each small item that is read strongly consistent.
            [request] = arguments["RequestItems"].values()
            assert request["ConsistentRead"]
            spent["read"] += len(request["Keys"])
        else:
            spent["read"] += response["ConsumedCapacity"]["CapacityUnits"]
        return response

    told = event(account_id, data)
    with wrapped_calls(lambda call: lambda *arguments: counted(call, *arguments)):
        usage.take(told)
    assert spent == units
