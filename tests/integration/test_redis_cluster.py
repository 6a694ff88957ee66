"""Admission and metering on a real Redis cluster: three primaries with a replica each, failover and moving slots."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from redis.crc import key_slot

from infra.local.ports import free_port
from infra.local.redis_server import RedisServer
from kv_common.admission import (
    Admission,
    AdmissionData,
    AdmissionRequest,
    Decision,
    KeyRecord,
    Limits,
    Source,
    Usage,
    Verdict,
)
from kv_common.admission.redis import RedisAdmission
from kv_common.admission.redis_metering import RedisMeterStore
from kv_common.api_keys import KeyStatus, Scope
from kv_common.events import RequestServed
from kv_common.redis import RedisClient, RedisMode, RedisSettings, RedisUnavailable, connect
from kv_common.redis.misconfiguration import METRIC, Misconfiguration
from kv_service.metering.flusher import Flusher
from tests.support.redis_cluster import redis_cluster
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment
    from kv_common.events import Event
    from tests.support.redis_cluster import Node, RedisCluster

LIMITS = Limits("business", 100_000, 100_000, 10**9, 10**9)
KEY = KeyRecord("key_000000000001", KeyStatus.ACTIVE, frozenset(Scope), ("*",), 0)
VALID, UNKNOWN = "a" * 64, "b" * 64


@pytest.fixture
def cluster(local: LocalEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster"), local.redis._binary) as cluster:
        yield cluster


@pytest.fixture
def reports() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def client(cluster: RedisCluster, reports: list[tuple[str, str]]) -> RedisClient:
    return client_of(cluster.url, RedisMode.CLUSTER, reports)


def client_of(url: str, mode: RedisMode, reports: list[tuple[str, str]]) -> RedisClient:
    settings = RedisSettings(url, mode, connect_timeout_s=0.5, timeout_s=0.5)
    return connect(settings, report=lambda problem, remedy: reports.append((problem, remedy)))


class Accounts:
    """The tables' word on every account: one valid key, one namespace."""

    def load(self, account_id: str, digest: str | None, namespace: str) -> AdmissionData:
        key = KEY if digest in {None, VALID} else None
        return AdmissionData(key, LIMITS, f"ns-{account_id}" if namespace == "app" else "", Usage("", 0, 0))


class Outbox:
    """Keeps events as the table does: one per id, the last one written."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def put(self, events: list[Event], used: object, *, now_s: int) -> None:  # noqa: ARG002 - the port's signature
        self.events.update({event.id: event for event in events})

    def counted(self) -> Counter[str]:
        """Return the requests of every account."""
        found: Counter[str] = Counter()
        for event in self.events.values():
            if isinstance(event.data, RequestServed):
                found[event.account_id] += sum(sum(one.requests.values()) for one in event.data.namespaces.values())
        return found


def request(account_id: str, digest: str = VALID) -> AdmissionRequest:
    return AdmissionRequest(account_id, digest, frozenset({Scope.READ}), "app", "get", bytes_in=1)


def flush(client: RedisClient, outbox: Outbox) -> None:
    store: Any = outbox
    Flusher(
        RedisMeterStore(client), store, flush_delay_s=0, key_use_report_minutes=15, new_correlation_id=lambda: "flush"
    ).flush()


class Load:
    """Threads that ask for admission of valid and of unknown keys until they are told to stop."""

    def __init__(self, client: RedisClient, accounts: list[str], threads: int = 2) -> None:
        self._admission = Admission(RedisAdmission(client), Accounts())
        self._accounts = accounts
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        self.by_redis: Counter[str] = Counter()
        self.locally: Counter[str] = Counter()
        self.let_in: list[Decision] = []
        self.errors: list[BaseException] = []

    @contextmanager
    def running(self) -> Iterator[Load]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(10)

    def _run(self, number: int) -> None:
        turn = number
        while not self._stop.is_set():
            turn += 1
            account = self._accounts[turn % len(self._accounts)]
            try:
                decision = self._admission.decide(request(account))
                stranger = self._admission.decide(request(account, UNKNOWN))
            except BaseException as error:  # noqa: BLE001 - reported by the test
                self.errors.append(error)
                return
            if stranger.verdict is not Verdict.UNAUTHORIZED:
                self.let_in.append(stranger)
            if decision.verdict is Verdict.ADMITTED and decision.source is Source.REDIS:
                self.by_redis[account] += 1
            elif decision.source is Source.LOCAL:
                self.locally[account] += 1


def test_a_thousand_accounts_are_answered_by_redis_and_metered_exactly(
    cluster: RedisCluster, client: RedisClient, reports: list[tuple[str, str]]
) -> None:
    admission = Admission(RedisAdmission(client), Accounts())
    accounts = [str(uuid.uuid4()) for _ in range(1_000)]

    decisions = [admission.decide(request(account)) for account in accounts for _ in range(3)]

    assert {(one.verdict, one.source) for one in decisions} == {(Verdict.ADMITTED, Source.REDIS)}
    assert all(node.client.dbsize() > 1_000 for node in cluster.nodes[:3])
    outbox = Outbox()
    flush(client, outbox)
    assert outbox.counted() == dict.fromkeys(accounts, 3)
    assert reports == []


def test_a_killed_primary_costs_no_error_no_open_door_and_no_double_count(
    cluster: RedisCluster, client: RedisClient
) -> None:
    accounts = [str(uuid.uuid4()) for _ in range(60)]
    victim = cluster.nodes[0]
    replica = cluster.nodes[3]
    load = Load(client, accounts)
    with load.running():
        await_value(lambda: len(load.by_redis) == len(accounts), within=10)
        victim.server.kill()
        await_value(lambda: replica.role() == "master", within=30)
        promoted_at = time.monotonic()
        await_value(lambda: load.locally.total() > 0, within=10)
        lost = [account for account in accounts if key_slot(f"{{{account}}}".encode()) < 5_461]
        before = dict(load.by_redis)
        await_value(lambda: all(load.by_redis[one] > before[one] for one in lost), within=15)
        assert time.monotonic() - promoted_at < 15

    assert load.errors == []
    assert load.let_in == []
    outbox = Outbox()
    flush(client, outbox)
    counted = outbox.counted()
    for account in accounts:
        if account in lost:
            # What the primary had not yet replicated died with it; nothing is counted that was not served.
            assert counted[account] <= load.by_redis[account] + load.locally[account]
        else:
            assert counted[account] == load.by_redis[account]


def test_a_flusher_that_ran_before_a_failover_reads_the_promoted_replica_after_it(
    cluster: RedisCluster, client: RedisClient, reports: list[tuple[str, str]]
) -> None:
    flushing = client_of(cluster.url, RedisMode.CLUSTER, reports)
    flush(flushing, Outbox())
    accounts = [str(uuid.uuid4()) for _ in range(30)]
    for account in accounts:
        RedisAdmission(client).decide(request(account), Accounts().load(account, VALID, "app"))
    primary, replica = cluster.nodes[0], cluster.nodes[3]
    await_value(lambda: replica.client.dbsize() == primary.client.dbsize(), within=10)
    primary.server.kill()
    await_value(lambda: replica.role() == "master", within=30)
    outbox = Outbox()

    def is_flushed() -> bool:
        with suppress(RedisUnavailable):
            flush(flushing, outbox)
        return len(outbox.counted()) == len(accounts)

    await_value(is_flushed, within=15)
    assert outbox.counted() == dict.fromkeys(accounts, 1)


def test_a_slot_that_moves_under_load_is_followed(
    cluster: RedisCluster, client: RedisClient, reports: list[tuple[str, str]]
) -> None:
    account = str(uuid.uuid4())
    source, target = cluster.nodes[0], cluster.nodes[1]
    while cluster.owner(f"{{{account}}}") is not source:
        account = str(uuid.uuid4())
    load = Load(client, [account])
    with load.running():
        await_value(lambda: load.by_redis[account] > 50, within=10)
        move(cluster, account, source, target)
        before = load.by_redis[account]
        await_value(lambda: load.by_redis[account] > before + 50, within=10)

    assert load.errors == []
    assert load.let_in == []
    outbox = Outbox()
    flush(client, outbox)
    assert outbox.counted()[account] == load.by_redis[account]
    assert reports == []


def move(cluster: RedisCluster, account: str, source: Node, target: Node) -> None:
    """Move an account's slot as an operator does: MIGRATING, IMPORTING, the keys, then the new owner everywhere."""
    slot = key_slot(f"{{{account}}}".encode())
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    while keys := source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
        source.client.migrate("127.0.0.1", target.server.port, keys, 0, 1_000)
    for node in (target, source, *cluster.nodes[2:]):
        if node.role() == "master":
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def test_ask_is_followed_for_one_command_and_moved_for_all(cluster: RedisCluster, client: RedisClient) -> None:
    source, target = cluster.nodes[0], cluster.nodes[1]
    key = next(f"{{{number}}}" for number in range(1_000) if cluster.owner(f"{{{number}}}") is source)
    slot = key_slot(key.encode())
    assert client.execute(key, ("SET", key, "1")) == [b"OK"]
    target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    source.client.migrate("127.0.0.1", target.server.port, key, 0, 1_000)

    assert client.execute(key, ("GET", key)) == [b"1"]
    with pytest.raises(RedisUnavailable) as raised:
        client.transaction(key, ("SET", key, "2"), ("EXPIRE", key, 60))
    assert not raised.value.is_outage
    assert client.execute_all([(key, ("GET", key))]) == [b"1"]

    for node in (target, source, cluster.nodes[2]):
        node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target.id)
    client.transaction(key, ("SET", key, "2"), ("EXPIRE", key, 60))
    assert client.execute(key, ("GET", key)) == [b"2"]


def test_a_cluster_behind_standalone_is_an_error_line_with_what_to_set_and_a_metric(
    cluster: RedisCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[dict[str, Any]] = []
    client = connect(
        RedisSettings(cluster.url, connect_timeout_s=0.5, timeout_s=0.5),
        report=Misconfiguration({"STAGE": "test"}, log=lines.append),
    )
    admission = Admission(RedisAdmission(client), Accounts())

    decisions = [admission.decide(request(str(uuid.uuid4()))) for _ in range(30)]

    assert {one.verdict for one in decisions} == {Verdict.ADMITTED}
    assert Source.LOCAL in {one.source for one in decisions}
    [error] = lines
    [metric] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if METRIC in line]
    assert error["level"] == "ERROR"
    assert "REDIS_MODE=cluster" in error["set"]
    assert metric["RedisMisconfigured"] == [1]


def test_one_node_behind_cluster_mode_is_reported(
    local: LocalEnvironment, tmp_path_factory: pytest.TempPathFactory, reports: list[tuple[str, str]]
) -> None:
    server = RedisServer(tmp_path_factory.mktemp("redis"), free_port(), local.redis._binary, persist=False)
    server.start()
    try:
        client = client_of(server.url, RedisMode.CLUSTER, reports)
        with pytest.raises(RedisUnavailable):
            client.execute("k", ("PING",))
    finally:
        server.stop()
    assert reports == [("Redis is no cluster", "REDIS_MODE=standalone (parameter RedisMode)")]


def test_a_node_that_moved_names_and_nobody_reaches_is_reported(
    cluster: RedisCluster, client: RedisClient, reports: list[tuple[str, str]]
) -> None:
    source, target = cluster.nodes[0], cluster.nodes[1]
    key = next(f"{{{number}}}" for number in range(1_000) if cluster.owner(f"{{{number}}}") is source)
    client.execute(key, ("GET", key))
    slot = key_slot(key.encode())
    for node in (target, source):
        node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target.id)
    target.server.pause()

    with pytest.raises(RedisUnavailable):
        client.execute(key, ("GET", key))

    ((problem, remedy),) = reports
    assert str(target.server.port) in problem
    assert "cluster-announce-ip" in remedy
