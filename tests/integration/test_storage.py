"""What namespaces hold is known to the byte: the real table, its stream's records, and deliveries of every kind."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kv_common import account_tombstones, dynamodb
from kv_common.clock import now_ms
from kv_service.events import namespace_created
from kv_service.namespaces.model import Namespace, NamespaceStats
from kv_service.persistence import NamespaceStore, StorageStore
from kv_service.storage_usage.tracker import Tracker
from tests.support.kv_process import enter
from tests.unit.kv.test_storage import expired, record

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment


class World:
    """A namespace in the real table, and trackers of made-up shards of its stream."""

    def __init__(self, table: str) -> None:
        self.client, self.table = dynamodb.client(), table
        self.account, self.id = str(uuid.uuid4()), uuid.uuid4().hex[:12]
        self.shard = f"test-{uuid.uuid4().hex}"
        self.namespaces = NamespaceStore(self.client, table, now_ms=now_ms)
        namespace = Namespace("app", self.id, now_ms())
        self.namespaces.create(self.account, namespace, namespace_created(self.account, namespace, "c1"))

    def tracker(self) -> Tracker:
        """A tracker as a new process has it: nothing in memory."""
        store = StorageStore(self.client, self.table, now_s=time.time)
        return Tracker(store, now_ms=now_ms, log=lambda _line: None)

    def record(self, sequence: int, before: int | None, after: int | None, **where: str) -> dict[str, Any]:
        return record(sequence, before, after, namespace=self.id, **where)

    def held(self) -> NamespaceStats:
        return self.namespaces.holdings(self.account, self.id)

    def total(self) -> tuple[int, int]:
        key: Any = {"PK": {"S": account_tombstones.account_key(self.account)}, "SK": {"S": "COUNTERS"}}
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]
        return int(item["keys"]["N"]), int(item["bytes"]["N"])


@pytest.fixture
def world(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(enter(local, "kv", monkeypatch)["TABLE"])


def test_a_record_that_expired_counts_like_any_deletion(world: World) -> None:
    world.tracker().track([world.record(1, None, 10), world.record(2, None, 5, key="l")], world.shard)
    assert world.held() == NamespaceStats(2, 17)
    world.tracker().track([expired(3, 10, namespace=world.id)], world.shard)
    assert world.held() == NamespaceStats(1, 6)
    assert world.total() == (1, 6)


def test_records_that_come_again_in_another_process_or_cut_differently_count_once(world: World) -> None:
    records = [world.record(number, None, 10, key=f"k{number}") for number in range(10, 30)]
    for start, end in ((0, 8), (0, 8), (4, 12), (11, 20), (0, 20), (19, 20)):
        world.tracker().track(records[start:end], world.shard)
    assert world.held() == NamespaceStats(20, 20 * 13)
    assert world.total() == (20, 20 * 13)


def test_of_processes_that_count_the_same_records_at_once_one_counts(world: World) -> None:
    records = [world.record(number, None, 10, key=f"k{number}") for number in range(10, 30)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: world.tracker().track(records, world.shard), range(6)))
    assert world.held() == NamespaceStats(20, 20 * 13)


def test_shards_are_counted_apart(world: World) -> None:
    world.tracker().track([world.record(100, None, 10)], world.shard)
    world.tracker().track([world.record(5, None, 10, key="l")], world.shard + "-other")
    assert world.held() == NamespaceStats(2, 22)


def test_changes_of_a_deleted_account_bring_nothing_back(world: World) -> None:
    tracker = world.tracker()
    tracker.track([world.record(1, None, 10)], world.shard)
    dynamodb.delete_partition(world.client, world.table, account_tombstones.account_key(world.account))
    # One process still knows whose the namespace was, another has to ask.
    tracker.track([world.record(2, 10, None)], world.shard)
    world.client.delete_item(TableName=world.table, Key={"PK": {"S": f"N#{world.id}"}, "SK": {"S": "OWNER"}})
    world.tracker().track([world.record(3, None, 10)], world.shard)
    assert world.namespaces.all_holdings(world.account) == {}
    answer = world.client.query(
        TableName=world.table,
        KeyConditionExpression="PK = :p",
        ExpressionAttributeValues={":p": {"S": account_tombstones.account_key(world.account)}},
    )
    assert answer["Items"] == []
