"""Cost of a warm request: the packaged handler in one process, a real Redis, and a DynamoDB stub.

Redis and DynamoDB are separate processes, so their CPU is not counted. CPU and time are the handler's, from the
gateway's event to its response; round trips and bytes are counted by the servers. The operations alternate, and each
figure is the median of the rounds. `client` is the CPU of the same Redis and DynamoDB calls alone, made in the same
process; `ours` is the rest.
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
from bench.results import Bytes, HotPath, Operation, Profile, RoundTrips, percentile
from bench.values import json_value
from infra.local.ports import free_port
from infra.local.redis_server import RedisServer, find_redis
from infra.repository import Repository
from tests.support.kv_process import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.dynamodb import Stub, StubResponse
    from bench.packaged import Packaged, Probe

VALUE_BYTES = 1_000
PAGE = 100
VALUE, PAGE_ROUTE = "/v1/{namespace}/{key}", "/v1/{namespace}"
_DELAY_MS = 5.0


@dataclass(frozen=True, slots=True)
class Effort:
    """Number of rounds and requests."""

    rounds: int
    requests: int
    delayed: int
    bare: int


FULL, QUICK = Effort(15, 200, 200, 100), Effort(5, 100, 60, 50)


def measure(*, quick: bool, effort: Effort | None = None) -> HotPath:
    """Measure every operation."""
    effort = effort or (QUICK if quick else FULL)
    customer, limited = Account(), Account(rate=1, burst=1)
    expected = {"get": 200, "put": 200, "list": 200, "delete": 204, "denied": 429, "not_modified": 304}
    incoming = events(customer, limited)
    with redis() as (url, admin), packaged("kv") as kv:
        stubbed = responses(customer, limited, kv)
        with dynamodb.stub(stubbed) as instant, running(kv, incoming, url, instant) as probe:
            _warm_up(probe, expected)
            measured = _alternate(probe, expected, effort)
            counted = {name: _count(probe, name, instant, admin, effort.requests) for name in expected}
        with (
            dynamodb.stub(stubbed, delay_ms=_DELAY_MS) as slow,
            running(kv, incoming, url, slow) as probe,
        ):
            _warm_up(probe, expected)
            delayed = {name: probe.serve(name, effort.delayed)["wall_ms"] for name in expected}
    operations = {}
    for name in expected:
        runs = measured[name]
        walls = [wall for run in runs for wall in run["wall_ms"]]
        cpu_ms = statistics.median(run["cpu_ms"] for run in runs)
        client_ms = statistics.median(run["client_ms"] for run in runs)
        round_trips, sent = counted[name]
        operations[name] = Operation(
            round_trips=round_trips,
            bytes=sent,
            bytes_out=runs[0]["bytes_out"],
            log_bytes=runs[0]["log_bytes"],
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
    """Return the CPU profile of an operation."""
    customer, limited = Account(), Account(rate=1, burst=1)
    incoming = events(customer, limited)
    with (
        redis() as (url, _),
        packaged("kv") as kv,
        dynamodb.stub(responses(customer, limited, kv)) as instant,
        running(kv, incoming, url, instant) as probe,
    ):
        probe.serve(operation, 50)
        return Profile(functions=probe.profile(operation, requests)["functions"])


@contextmanager
def redis() -> Iterator[tuple[str, Redis]]:
    """Start a Redis; yield its address and a client."""
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
    """Start the handler with a Redis and a stub."""
    with kv.running(events, {"REDIS_URL": redis_url, "AWS_ENDPOINT_URL": stub.endpoint}) as probe:
        yield probe


def events(customer: Account, limited: Account) -> dict[str, Any]:
    """Return the gateway event of every operation."""
    value = {"namespace": NAMESPACE, "key": "user:00000042"}
    text = json_value(VALUE_BYTES)
    headers = {**customer.headers, "user-agent": "bench", "accept": "*/*", "x-forwarded-for": "192.0.2.1"}
    known = {**headers, "if-none-match": f'"{dynamodb.ETAG}"'}
    return {
        "get": event("GET", VALUE, value, headers=headers),
        "put": event("PUT", VALUE, value, headers=headers, body=f'{{"value": {text}}}'),
        "list": event("GET", PAGE_ROUTE, {"namespace": NAMESPACE}, headers=headers, query={"limit": str(PAGE)}),
        "delete": event("DELETE", VALUE, value, headers=headers),
        "denied": event("GET", VALUE, value, headers={**headers, **limited.headers}),
        "not_modified": event("GET", VALUE, value, headers=known),
    }


def responses(customer: Account, limited: Account, kv: Packaged) -> list[StubResponse]:
    """Return the DynamoDB responses to those requests."""
    tables = kv.environment["TABLE"], kv.environment["CREDENTIALS_TABLE"]
    item = dynamodb.as_json(dynamodb.value_item(customer, "user:00000042", json_value(VALUE_BYTES)))
    old = {name: item[name] for name in ("v", "s", "c", "u", "e")}
    return [
        dynamodb.admission_data(customer, *tables),
        dynamodb.admission_data(limited, *tables),
        dynamodb.CURSOR_SECRET,
        ("GetItem", "", {"Item": item}),
        ("UpdateItem", "", {"Attributes": old}),
        ("PutItem", "", {"Attributes": old}),
        ("DeleteItem", "", {}),
        ("Query", "", dynamodb.page(customer, PAGE)),
    ]


def _warm_up(probe: Probe, expected: dict[str, int]) -> None:
    """Fill connections and caches, and check the status of every operation."""
    for name, status in expected.items():
        if name == "denied":
            probe.serve(name, 1)  # the bucket's only token
        returned = probe.serve(name, 20)["status"]
        if returned != status:
            raise BenchError(f"{name} returned {returned} instead of {status}.")


def _alternate(probe: Probe, names: dict[str, int], effort: Effort) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(effort.rounds):
        for name in names:
            if name == "denied":
                probe.serve(name, 1)
            run = probe.serve(name, effort.requests)
            run["client_ms"] = sum(probe.bare(name, effort.bare).values())
            measured[name].append(run)
    return measured


def _count(probe: Probe, name: str, stub: Stub, admin: Redis, requests: int) -> tuple[RoundTrips, Bytes]:
    """Count the traffic of Redis and DynamoDB, without that of reading Redis's counters."""
    probe.serve(name, 2)  # refresh caches that live for seconds only
    first, second = _redis_counters(admin), _redis_counters(admin)
    before = stub.seen()
    # The probe serves one more request to measure its log line.
    probe.serve(name, requests - 1)
    third, after = _redis_counters(admin), stub.seen()
    redis_seen = {key: (third[key] - second[key]) - (second[key] - first[key]) for key in first}
    dynamodb_seen = {key: after[key] - before[key] for key in before}
    return (
        RoundTrips(
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
