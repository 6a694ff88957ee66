"""Each threshold is published once, under any concurrency."""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

from kv_common.events import (
    Event,
    PlanChanged,
    PlanLimits,
    RequestServed,
    Served,
    StorageChanged,
    ThresholdCrossed,
    decode,
)
from kv_common.events.publisher import outbox_records
from tests.support.metering import event

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment
    from tests.integration.usage.conftest import Usage

NOW_MINUTE = int(time.time()) // 60
MONTH = time.strftime("%Y-%m", time.gmtime())
TOGETHER = 50
_numbers = itertools.count()


def requests(account_id: str, count: int) -> Event:
    number = next(_numbers)
    data = RequestServed(
        minute=NOW_MINUTE,
        epoch=f"epoch-{number}",
        changes=1,
        namespaces={"-": Served(requests={"get": count}, bytes_in=0)},
    )
    return event(account_id, data, f"{account_id}#{number}")


def storage(account_id: str, delta: int) -> Event:
    return event(
        account_id,
        StorageChanged(
            namespace_id="ns-one", bytes_delta=delta, keys_delta=1, shard="shard", sequence=str(next(_numbers))
        ),
    )


def plan(account_id: str, *, requests: int = 1_000, stored: int = 1_000, changed_at_us: int) -> Event:
    limits = PlanLimits(requests_per_second=10, burst=20, requests_per_month=requests, storage_bytes=stored)
    return event(
        account_id,
        PlanChanged(
            from_plan="free",
            to_plan="business",
            limits=limits,
            effective_at="2026-11-01T00:00:00Z",
            changed_at_us=changed_at_us,
            source_event="evt",
        ),
    )


def crossings_of(usage: Usage, account_id: str) -> list[ThresholdCrossed]:
    """Return the published thresholds of the account."""
    events = [decode(item["name"]["S"], json.loads(item["detail"]["S"])) for item in usage.published(account_id)]
    data = [one.data for one in events if isinstance(one.data, ThresholdCrossed)]
    assert len(data) == len(events)
    return sorted(data, key=lambda one: (one.metric, one.threshold, one.limit))


def published(local: LocalEnvironment, usage: Usage, account_id: str) -> list[str]:
    """Return the ids of the account's events that the table's stream hands to the bus, each as often as it does."""
    streams = local.aws_client("dynamodbstreams")
    arn = usage.client.describe_table(TableName=usage.table)["Table"]["LatestStreamArn"]
    found: list[str] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        position = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**position)["ShardIterator"]
        while records := (response := streams.get_records(ShardIterator=iterator))["Records"]:
            found += [record.id for record in outbox_records(records) if account_id in record.id]
            iterator = response["NextShardIterator"]
    return sorted(found)


def test_threshold_crossed_concurrently_is_published_once(
    local: LocalEnvironment, usage: Usage, account_id: str
) -> None:
    usage.take(plan(account_id, requests=100, changed_at_us=1))
    together = Barrier(TOGETHER)

    def cross(found: Event) -> None:
        together.wait()
        usage.take(found)

    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(cross, [requests(account_id, 100) for _ in range(1_000)]))

    crossed = crossings_of(usage, account_id)
    assert [(one.metric, one.threshold) for one in crossed] == [("requests", 80), ("requests", 90), ("requests", 100)]
    assert all((one.period, one.limit, one.plan) == (MONTH, 100, "business") for one in crossed)
    assert all(one.used >= 100 for one in crossed)
    assert published(local, usage, account_id) == sorted(
        item["SK"]["S"].removeprefix("OUTBOX#") for item in usage.published(account_id)
    )


def test_threshold_is_published_when_it_is_reached(usage: Usage, account_id: str) -> None:
    usage.take(plan(account_id, requests=1_000, changed_at_us=1))
    seen = []
    for _ in range(12):
        usage.take(requests(account_id, 100))
        seen.append([(one.threshold, one.used) for one in crossings_of(usage, account_id)])
    assert seen == [
        *[[]] * 7,
        [(80, 800)],
        [(80, 800), (90, 900)],
        *[[(80, 800), (90, 900), (100, 1_000)]] * 3,
    ]


def test_change_of_plan_resets_thresholds_and_applies_at_once(usage: Usage, account_id: str) -> None:
    usage.take(plan(account_id, requests=100, changed_at_us=1), requests(account_id, 95))
    usage.take(plan(account_id, requests=110, changed_at_us=2))
    assert [(one.threshold, one.limit) for one in crossings_of(usage, account_id)] == [(80, 100), (80, 110), (90, 100)]
    usage.take(plan(account_id, requests=1_000, changed_at_us=3), requests(account_id, 800))
    assert [(one.threshold, one.limit) for one in crossings_of(usage, account_id)][1:3] == [(80, 110), (80, 1_000)]


def test_older_change_of_plan_is_ignored(usage: Usage, account_id: str) -> None:
    usage.take(plan(account_id, requests=1_000, changed_at_us=5), requests(account_id, 90))
    usage.take(plan(account_id, requests=100, changed_at_us=4), plan(account_id, requests=10, changed_at_us=5))
    assert crossings_of(usage, account_id) == []
    assert usage.item(account_id, "STANDING")["quota"]["N"] == "1000"


def test_free_limits_apply_without_a_change_of_plan(usage: Usage, account_id: str) -> None:
    usage.take(requests(account_id, 9_000))
    assert [(one.threshold, one.limit, one.plan) for one in crossings_of(usage, account_id)] == [
        (80, 10_000, "free"),
        (90, 10_000, "free"),
    ]


def test_storage_threshold_is_published_once(usage: Usage, account_id: str) -> None:
    usage.take(plan(account_id, stored=1_000, changed_at_us=1))
    for delta in (850, -850, 850, -100, 200):
        usage.take(storage(account_id, delta))
    assert [(one.metric, one.threshold, one.used, one.limit) for one in crossings_of(usage, account_id)] == [
        ("storage", 80, 850, 1_000),
        ("storage", 90, 950, 1_000),
    ]


def test_applied_but_unpublished_threshold_is_published_on_redelivery(usage: Usage, account_id: str) -> None:
    usage.take(plan(account_id, requests=100, stored=100, changed_at_us=1))
    events = [requests(account_id, 85), storage(account_id, 85)]
    usage.take(*events)
    # As it is when the process ends between the effect and the report.
    month = {"PK": {"S": f"ACCOUNT#{account_id}"}, "SK": {"S": f"MONTH#{MONTH}"}}
    usage.client.update_item(TableName=usage.table, Key=month, UpdateExpression="REMOVE emitted")
    for item in usage.published(account_id):
        usage.client.delete_item(TableName=usage.table, Key={"PK": item["PK"], "SK": item["SK"]})

    usage.take(*events)

    assert [(one.metric, one.threshold) for one in crossings_of(usage, account_id)] == [
        ("requests", 80),
        ("storage", 80),
    ]
