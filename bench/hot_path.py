"""What a warm request costs: the packaged handler in one process, a real Redis, and a DynamoDB that answers at once.

Redis and DynamoDB are processes of their own, so that their CPU is not counted. CPU and time are the handler's, from
the gateway's event to its answer; trips and bytes are counted where they arrive. The operations take turns, and each
figure is the median of the turns. `client` is what the same calls of Redis and of DynamoDB cost alone, made in the same
way in the same process; `ours` is what is left.
"""

from __future__ import annotations

import statistics
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis import Redis

from bench import dynamodb
from bench.account import NAMESPACE, Account
from bench.errors import BenchError
from bench.packaged import packaged
from bench.results import Bytes, HotPath, Operation, Profile, Trips, percentile
from bench.values import json_value
from infra.local.ports import free_port
from infra.local.redis_server import RedisServer, find_redis
from infra.repository import Repository
from tests.support.kv_process import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.dynamodb import Answer, Stub
    from bench.packaged import Packaged, Probe

VALUE_BYTES = 1_000
PAGE = 100
VALUE, PAGE_ROUTE = "/v1/{namespace}/{key}", "/v1/{namespace}"
_DELAY_MS = 5.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    turns: int
    requests: int
    delayed: int
    bare: int


FULL, QUICK = Effort(15, 200, 200, 100), Effort(5, 100, 60, 50)


def measure(*, quick: bool, effort: Effort | None = None) -> HotPath:
    """Measure every operation."""
    effort = effort or (QUICK if quick else FULL)
    customer, poor = Account(), Account(rate=1, burst=1)
    expected = {"get": 200, "put": 200, "list": 200, "delete": 204, "denied": 429, "not_modified": 304}
    incoming = events(customer, poor)
    with redis() as (url, admin), packaged("kv") as kv:
        told = answers(customer, poor, kv)
        with dynamodb.stub(told) as instant, running(kv, incoming, url, instant) as probe:
            _warm_up(probe, expected)
            measured = _take_turns(probe, expected, effort)
            counted = {name: _count(probe, name, instant, admin, effort.requests) for name in expected}
        with (
            dynamodb.stub(told, delay_ms=_DELAY_MS) as slow,
            running(kv, incoming, url, slow) as probe,
        ):
            _warm_up(probe, expected)
            delayed = {name: probe.serve(name, effort.delayed)["wall_ms"] for name in expected}
    operations = {}
    for name in expected:
        turns = measured[name]
        walls = [wall for turn in turns for wall in turn["wall_ms"]]
        cpu_ms = statistics.median(turn["cpu_ms"] for turn in turns)
        client_ms = statistics.median(turn["client_ms"] for turn in turns)
        trips, sent = counted[name]
        operations[name] = Operation(
            trips=trips,
            bytes=sent,
            bytes_out=turns[0]["bytes_out"],
            log_bytes=turns[0]["log_bytes"],
            cpu_ms=round(cpu_ms, 4),
            client_ms=round(client_ms, 4),
            ours_ms=round(cpu_ms - client_ms, 4),
            wall_ms=round(statistics.median(walls), 4),
            wall_ms_p99=round(percentile(walls, 99), 4),
            wall_ms_at_5ms=round(statistics.median(delayed[name]), 3),
            wall_ms_at_5ms_p99=round(percentile(delayed[name], 99), 3),
        )
    return HotPath(value_bytes=VALUE_BYTES, **operations)


def profiled(operation: str, requests: int = 5_000) -> Profile:
    """Return the functions that an operation spends its time in."""
    customer, poor = Account(), Account(rate=1, burst=1)
    incoming = events(customer, poor)
    with (
        redis() as (url, _),
        packaged("kv") as kv,
        dynamodb.stub(answers(customer, poor, kv)) as instant,
        running(kv, incoming, url, instant) as probe,
    ):
        probe.serve(operation, 50)
        return Profile(functions=probe.profile(operation, requests)["functions"])


@contextmanager
def redis() -> Iterator[tuple[str, Redis]]:
    """Start a Redis of our own: its address, and a client of it."""
    tools = Repository.here().root / ".venv-emulator"
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), free_port(), find_redis(tools), persist=False)
        server.start()
        try:
            with Redis.from_url(server.url, decode_responses=True) as admin:
                yield server.url, admin
        finally:
            server.stop()


@contextmanager
def running(kv: Packaged, events: dict[str, Any], redis_url: str, stub: Stub) -> Iterator[Probe]:
    """Start the handler on a Redis and a stub."""
    with kv.running(events, {"REDIS_URL": redis_url, "AWS_ENDPOINT_URL": stub.endpoint}) as probe:
        yield probe


def events(customer: Account, poor: Account) -> dict[str, Any]:
    """Return the request of every operation, as the gateway sends it."""
    value = {"namespace": NAMESPACE, "key": "user:00000042"}
    text = json_value(VALUE_BYTES)
    headers = {**customer.headers, "user-agent": "bench", "accept": "*/*", "x-forwarded-for": "192.0.2.1"}
    known = {**headers, "if-none-match": f'"{dynamodb.ETAG}"'}
    return {
        "get": event("GET", VALUE, value, headers=headers),
        "put": event("PUT", VALUE, value, headers=headers, body=f'{{"value": {text}}}'),
        "list": event("GET", PAGE_ROUTE, {"namespace": NAMESPACE}, headers=headers, query={"limit": str(PAGE)}),
        "delete": event("DELETE", VALUE, value, headers=headers),
        "denied": event("GET", VALUE, value, headers={**headers, **poor.headers}),
        "not_modified": event("GET", VALUE, value, headers=known),
    }


def answers(customer: Account, poor: Account, kv: Packaged) -> list[Answer]:
    """Return what DynamoDB answers to those requests."""
    tables = kv.environment["TABLE"], kv.environment["CREDENTIALS_TABLE"]
    item = dynamodb.as_json(dynamodb.value_item(customer, "user:00000042", json_value(VALUE_BYTES)))
    old = {name: item[name] for name in ("v", "s", "c", "u", "e")}
    return [
        dynamodb.facts(customer, *tables),
        dynamodb.facts(poor, *tables),
        dynamodb.CURSOR_SECRET,
        ("GetItem", "", {"Item": item}),
        ("UpdateItem", "", {"Attributes": old}),
        ("PutItem", "", {"Attributes": old}),
        ("DeleteItem", "", {}),
        ("Query", "", dynamodb.page(customer, PAGE)),
    ]


def _warm_up(probe: Probe, expected: dict[str, int]) -> None:
    """Make every connection and cache, and make sure that what is measured is what it is called."""
    for name, status in expected.items():
        if name == "denied":
            probe.serve(name, 1)  # the bucket's only token
        found = probe.serve(name, 20)["status"]
        if found != status:
            raise BenchError(f"{name} is answered with {found}, not with {status}.")


def _take_turns(probe: Probe, names: dict[str, int], effort: Effort) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(effort.turns):
        for name in names:
            if name == "denied":
                probe.serve(name, 1)
            turn = probe.serve(name, effort.requests)
            turn["client_ms"] = sum(probe.bare(name, effort.bare).values())
            measured[name].append(turn)
    return measured


def _count(probe: Probe, name: str, stub: Stub, admin: Redis, requests: int) -> tuple[Trips, Bytes]:
    """Count what arrives at Redis and at DynamoDB; reading Redis' own counters is a trip too, and is taken off."""
    probe.serve(name, 2)  # what is known for seconds only may have been forgotten since
    first, second = _redis_counters(admin), _redis_counters(admin)
    before = stub.seen()
    # The probe serves one more, to see its log line.
    probe.serve(name, requests - 1)
    third, after = _redis_counters(admin), stub.seen()
    redis_seen = {key: (third[key] - second[key]) - (second[key] - first[key]) for key in first}
    dynamodb_seen = {key: after[key] - before[key] for key in before}
    return (
        Trips(
            redis=round(redis_seen["total_reads_processed"] / requests, 2),
            dynamodb=round(dynamodb_seen["requests"] / requests, 2),
        ),
        Bytes(
            redis_in=round(redis_seen["total_net_input_bytes"] / requests),
            redis_out=round(redis_seen["total_net_output_bytes"] / requests),
            dynamodb_in=round(dynamodb_seen["bytes_in"] / requests),
            dynamodb_out=round(dynamodb_seen["bytes_out"] / requests),
        ),
    )


def _redis_counters(admin: Redis) -> dict[str, int]:
    info: dict[str, Any] = admin.info("stats")
    return {name: info[name] for name in ("total_reads_processed", "total_net_input_bytes", "total_net_output_bytes")}
