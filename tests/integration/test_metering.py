"""From the meter to the outbox, on a real Redis and table: nothing is lost and nothing is counted twice."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from infra.local.ports import free_port
from infra.local.redis_server import RedisServer
from kv_common import dynamodb
from kv_common.account_tombstones import account_key
from kv_common.admission import AdmissionData, AdmissionRequest, Limits
from kv_common.admission.metering import MeterSnapshot
from kv_common.admission.redis import RedisAdmission
from kv_common.admission.redis_metering import RedisMeterStore
from kv_common.api_keys import Scope
from kv_common.errors import Unavailable
from kv_common.events import ApiKeyUsed, RequestServed, decode
from kv_common.redis import RedisUnavailable
from kv_service.metering.flusher import Flusher
from kv_service.persistence import UsageOutbox
from tests.support.kv_process import enter
from tests.unit.common.admission_fakes import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient

    from infra.local.environment import LocalEnvironment
    from kv_common.admission.metering import MeterAck
    from kv_common.events import Event

LIMITS = Limits("business", 10_000, 10_000, 1_000_000, 10**9)


@pytest.fixture
def server(local: LocalEnvironment, tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own: nobody else flushes it, and it may be lost."""
    server = RedisServer(tmp_path, free_port(), local.redis._binary, persist=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def table(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> str:
    return enter(local, "kv", monkeypatch)["TABLE"]


@pytest.fixture
def account() -> str:
    return str(uuid.uuid4())


class Harness:
    """An account's requests, a flusher whose clock can be set, and what the outbox says of them."""

    def __init__(self, server: RedisServer, client: DynamoDBClient, table: str, account: str) -> None:
        self.redis = Redis.from_url(server.url, decode_responses=True)
        self.limiter = RedisAdmission.at(server.url)
        self.meter = Clocked.at(server.url, timeout_s=2)
        self.store = Store(client, table)
        self.client, self.table, self.account = client, table, account
        self.flusher = Flusher(
            self.meter, self.store, flush_delay_s=0, key_use_report_minutes=15, new_correlation_id=lambda: "flush-1"
        )

    def serve(self, count: int = 1, operation: str = "get") -> None:
        ticket = AdmissionRequest(self.account, "d" * 64, frozenset({Scope.READ}), "app", operation, bytes_in=10)
        for _ in range(count):
            self.limiter.decide(ticket, AdmissionData(KEY, LIMITS, "ns1"))

    def published(self) -> list[Event]:
        response = self.client.query(
            TableName=self.table,
            KeyConditionExpression="PK = :p AND begins_with(SK, :o)",
            ExpressionAttributeValues={":p": {"S": account_key(self.account)}, ":o": {"S": "OUTBOX#"}},
            ConsistentRead=True,
        )
        return [decode(item["name"]["S"], json.loads(item["detail"]["S"])) for item in response["Items"]]

    def counted(self) -> int:
        """What whoever reads the events counts: the newest report of each minute and epoch."""
        served = [event.data for event in self.published() if isinstance(event.data, RequestServed)]
        return sum(sum(one.requests.values()) for data in served for one in data.namespaces.values())

    def fields(self) -> dict[str, Any]:
        return {str(name): value for name, value in self.redis.hgetall(f"{{{self.account}}}:meter").items()}


class Clocked(RedisMeterStore):
    """A meter whose clock is ahead; it may die before or after it settles."""

    ahead_s = 0
    dies: str | None = None

    def now_s(self) -> int:
        return super().now_s() + self.ahead_s

    def acknowledge(self, acks: Sequence[MeterAck]) -> None:
        if self.dies == "before settling":
            raise RedisUnavailable("died")
        super().acknowledge(acks)
        if self.dies == "after settling":
            raise RedisUnavailable("died")


class Store(UsageOutbox):
    """An outbox that may die before or after it has written."""

    dies: str | None = None

    def put(self, events: Any, used: Any, *, now_s: int) -> None:
        if self.dies == "before writing":
            raise Unavailable
        super().put(events, used, now_s=now_s)
        if self.dies == "after writing":
            raise Unavailable


@pytest.fixture
def harness(server: RedisServer, table: str, account: str) -> Harness:
    return Harness(server, dynamodb.client(), table, account)


def test_every_request_is_published_with_operation_and_bytes(harness: Harness) -> None:
    harness.serve(3)
    harness.serve(2, "put")
    flushed = harness.flusher.flush()
    assert (flushed.accounts, flushed.minutes) == (1, 1)
    (served,) = [event for event in harness.published() if isinstance(event.data, RequestServed)]
    assert isinstance(served.data, RequestServed)
    assert served.id == f"{harness.account}#{served.data.minute}#{served.data.epoch}"
    assert served.data.namespaces["ns1"].requests == {"get": 3, "put": 2}
    assert served.data.namespaces["ns1"].bytes_in == 50


def test_flush_reconnects_after_a_lost_connection(harness: Harness) -> None:
    harness.serve(1)
    harness.flusher.flush()
    harness.redis.client_kill_filter(_type="normal", skipme=True)
    harness.serve(2)
    assert harness.flusher.flush().minutes == 1
    assert harness.counted() == 3


def test_published_counts_are_not_published_again_and_new_ones_are(harness: Harness) -> None:
    harness.serve(3)
    harness.flusher.flush()
    assert harness.flusher.flush().minutes == 0
    harness.serve(2)
    assert harness.flusher.flush().minutes == 1
    assert harness.counted() == 5


def test_finished_minute_is_removed_and_the_empty_meter_too(harness: Harness) -> None:
    harness.serve(3)
    harness.flusher.flush()
    assert harness.redis.exists(f"{{{harness.account}}}:meter")
    harness.meter.ahead_s = 130
    harness.flusher.flush()
    assert not any("|get" in field for field in harness.fields())
    harness.meter.ahead_s = 2 * 86_400
    harness.flusher.flush()
    harness.flusher.flush()
    assert harness.fields() == {}
    assert harness.counted() == 3


@pytest.mark.parametrize("step", ["before writing", "after writing", "before settling", "after settling"])
@pytest.mark.parametrize("minute_is_over", [False, True])
def test_flusher_that_crashes_at_any_step_loses_and_duplicates_nothing(
    harness: Harness, step: str, *, minute_is_over: bool
) -> None:
    harness.serve(3)
    harness.meter.ahead_s = 130 if minute_is_over else 0
    harness.store.dies = harness.meter.dies = step
    with pytest.raises((Unavailable, RedisUnavailable)):
        harness.flusher.flush()
    harness.store.dies = harness.meter.dies = None
    if not minute_is_over:
        harness.serve(4)
    harness.flusher.flush()
    assert harness.counted() == (3 if minute_is_over else 7)
    assert len({event.id for event in harness.published()}) == len(harness.published())


def test_minute_that_changes_before_the_acknowledgment_is_kept(harness: Harness) -> None:
    harness.serve(3)
    harness.meter.ahead_s = 130
    (snapshot,) = next(iter(harness.meter.snapshots(10)))
    assert isinstance(snapshot, MeterSnapshot)
    original = harness.store.put

    def slowly(events: Any, used: Any, *, now_s: int) -> None:
        original(events, used, now_s=now_s)
        harness.serve(1)

    harness.store.put = slowly  # type: ignore[method-assign]
    harness.flusher.flush()
    harness.store.put = original  # type: ignore[method-assign]
    harness.flusher.flush()
    assert harness.counted() == 4


def test_lost_redis_costs_only_unpublished_counts(harness: Harness) -> None:
    harness.serve(5)
    harness.flusher.flush()
    harness.serve(2)
    harness.redis.flushall()
    harness.serve(4)
    harness.flusher.flush()
    # 11 were served; the two that nobody had told are lost, and nothing is counted twice.
    assert harness.counted() == 9
    epochs = {event.data.epoch for event in harness.published() if isinstance(event.data, RequestServed)}
    assert len(epochs) == 2


def test_monthly_use_survives_the_loss_of_redis(harness: Harness) -> None:
    harness.serve(5)
    harness.flusher.flush()
    (month,) = harness.redis.hgetall(f"{{{harness.account}}}:quota")
    item = harness.client.get_item(
        TableName=harness.table,
        Key={"PK": {"S": account_key(harness.account)}, "SK": {"S": f"USED#{month!s}"}},
        ConsistentRead=True,
    )["Item"]
    assert item["used"] == {"N": "5"}


def test_last_use_of_a_key_is_published(harness: Harness) -> None:
    harness.serve(2)
    harness.flusher.flush()
    (used,) = [event.data for event in harness.published() if isinstance(event.data, ApiKeyUsed)]
    minute = int(harness.redis.time()[0]) // 60
    assert used.keys["key_1"] in (minute, minute - 1)


def test_flush_without_redis_fails_and_a_later_one_catches_up(harness: Harness, server: RedisServer) -> None:
    harness.serve(2)
    server.pause()
    with pytest.raises(RedisUnavailable):
        harness.flusher.flush()
    server.resume()
    harness.flusher.flush()
    assert harness.counted() == 2


def test_accounts_are_read_in_batches_of_a_hundred(harness: Harness, table: str) -> None:
    accounts = [str(uuid.uuid4()) for _ in range(130)]
    for account in accounts:
        harness.limiter.decide(
            AdmissionRequest(account, None, frozenset({Scope.READ}), "app", "get"), AdmissionData(None, LIMITS, "ns1")
        )
    assert harness.flusher.flush().accounts == 130
    for account in (accounts[0], accounts[-1]):
        assert Harness.counted(_of(harness, account)) == 1
    assert table


def _of(harness: Harness, account: str) -> Harness:
    harness.account = account
    return harness
