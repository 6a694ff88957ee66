"""Storage usage is exact to the byte: the real table, records of its stream, and every kind of redelivery."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kv_common import account_tombstones, dynamodb
from kv_common.clock import now_ms
from kv_service.namespaces.events import namespace_created
from kv_service.namespaces.model import Namespace, NamespaceStats
from kv_service.persistence import NamespaceStore, StorageStore
from kv_service.storage_usage.tracker import Tracker
from tests.support.kv_process import enter
from tests.unit.kv.test_storage import expired, record

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment


class Harness:
    """A namespace in the real table, and trackers of simulated shards of its stream."""

    def __init__(self, table: str) -> None:
        self.client, self.table = dynamodb.client(), table
        self.account, self.id = str(uuid.uuid4()), uuid.uuid4().hex[:12]
        self.shard = f"test-{uuid.uuid4().hex}"
        self.namespaces = NamespaceStore(self.client, table, now_ms=now_ms)
        namespace = Namespace("app", self.id, now_ms())
        self.namespaces.create(self.account, namespace, namespace_created(self.account, namespace, "c1"))

    def tracker(self) -> Tracker:
        """A tracker of a new process, with empty caches."""
        store = StorageStore(self.client, self.table, now_s=time.time)
        return Tracker(store, now_ms=now_ms, log=lambda _line: None)

    def record(self, sequence: int, before: int | None, after: int | None, **where: str) -> dict[str, Any]:
        return record(sequence, before, after, namespace=self.id, **where)

    def held(self) -> NamespaceStats:
        return self.namespaces.stats(self.account, self.id)

    def total(self) -> tuple[int, int]:
        key: Any = {"PK": {"S": account_tombstones.account_key(self.account)}, "SK": {"S": "COUNTERS"}}
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]
        return int(item["keys"]["N"]), int(item["bytes"]["N"])


@pytest.fixture
def harness(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(enter(local, "kv", monkeypatch)["TABLE"])


def test_expired_record_is_counted_like_a_deletion(harness: Harness) -> None:
    harness.tracker().track([harness.record(1, None, 10), harness.record(2, None, 5, key="l")], harness.shard)
    assert harness.held() == NamespaceStats(2, 17)
    harness.tracker().track([expired(3, 10, namespace=harness.id)], harness.shard)
    assert harness.held() == NamespaceStats(1, 6)
    assert harness.total() == (1, 6)


def test_redelivered_records_are_counted_once_in_any_batches(harness: Harness) -> None:
    records = [harness.record(number, None, 10, key=f"k{number}") for number in range(10, 30)]
    for start, end in ((0, 8), (0, 8), (4, 12), (11, 20), (0, 20), (19, 20)):
        harness.tracker().track(records[start:end], harness.shard)
    assert harness.held() == NamespaceStats(20, 20 * 13)
    assert harness.total() == (20, 20 * 13)


def test_records_processed_concurrently_are_counted_once(harness: Harness) -> None:
    records = [harness.record(number, None, 10, key=f"k{number}") for number in range(10, 30)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: harness.tracker().track(records, harness.shard), range(6)))
    assert harness.held() == NamespaceStats(20, 20 * 13)


def test_shards_are_counted_separately(harness: Harness) -> None:
    harness.tracker().track([harness.record(100, None, 10)], harness.shard)
    harness.tracker().track([harness.record(5, None, 10, key="l")], harness.shard + "-other")
    assert harness.held() == NamespaceStats(2, 22)


def test_changes_of_a_deleted_account_create_no_items(harness: Harness) -> None:
    tracker = harness.tracker()
    tracker.track([harness.record(1, None, 10)], harness.shard)
    dynamodb.delete_partition(harness.client, harness.table, account_tombstones.account_key(harness.account))
    # One process has cached the namespace's owner, another has to read it.
    tracker.track([harness.record(2, 10, None)], harness.shard)
    harness.client.delete_item(TableName=harness.table, Key={"PK": {"S": f"N#{harness.id}"}, "SK": {"S": "OWNER"}})
    harness.tracker().track([harness.record(3, None, 10)], harness.shard)
    assert harness.namespaces.all_stats(harness.account) == {}
    response = harness.client.query(
        TableName=harness.table,
        KeyConditionExpression="PK = :p",
        ExpressionAttributeValues={":p": {"S": account_tombstones.account_key(harness.account)}},
    )
    assert response["Items"] == []
