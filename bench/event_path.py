"""Cost and delay of metering.

The cost is that of a thousand requests (800 GET, 200 PUT) of one account within a minute, with the default settings:
DynamoDB units as the emulator reports them, events on the bus, messages in queues. The real code runs on the
emulator's tables in this process, so nothing else is counted.

The throughput of one worker is that of usage's handlers processing events sequentially on the emulator's table; their
CPU would remain with a table that responds immediately.

The delay is that of the warm packaged functions on the emulator, one request or threshold after the other. Usage is
published every two seconds there; a stage publishes it a minute later.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.results import EventPath, percentile
from infra.local.environment import LocalEnvironment
from kv_common import dynamodb
from kv_common.account_tombstones import account_key
from kv_common.admission import AdmissionData, AdmissionRequest, Limits
from kv_common.admission.redis import RedisAdmission
from kv_common.api_keys import Scope
from kv_common.clock import now_ms
from kv_common.dynamodb import client as dynamodb_client
from kv_common.events import Event, PlanChanged, PlanLimits, RequestServed, Served, decode
from kv_service import background
from kv_service.namespaces.events import namespace_created
from kv_service.namespaces.model import Namespace
from kv_service.persistence import NamespaceStore
from tests.support.alerts import mails
from tests.support.bus import new_event, publish
from tests.support.kv_process import enter
from tests.support.tenant import client, sign_up
from tests.support.waiting import await_value
from tests.unit.common.admission_fakes import KEY
from tests.unit.kv.test_storage import record
from usage_service.event_handlers import handlers as usage_handlers

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.support.tenant import Tenant

GETS, PUTS, BATCHES = 800, 200, 6
TRIALS = 40
CONSUMED = 320
CALLERS = ("kv: flush", "kv: storage", "usage: RequestServed", "usage: StorageChanged")
_RARE = ("NamespaceCreated", "ApiKeyUsed")
LIMITS = Limits("business", 10_000, 10_000, 10**6, 10**9)


class Units:
    """Adds up the capacity that DynamoDB reports, by caller."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.caller = ""

    def client(self) -> DynamoDBClient:
        """Return a client whose capacity is counted."""
        made = dynamodb_client()
        made.meta.events.register("before-parameter-build.dynamodb.*", _request_capacity)
        made.meta.events.register("after-call.dynamodb.*", self._add)
        return made

    def _add(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        reported = parsed.get("ConsumedCapacity") or []
        units = sum(float(one["CapacityUnits"]) for one in (reported if isinstance(reported, list) else [reported]))
        if model.name == "BatchGetItem" and not units:
            # The emulator reports nothing here: one unit per small item read with strong consistency.
            units = float(sum(len(items) for items in parsed["Responses"].values()))
        is_read = model.name in ("GetItem", "Query", "BatchGetItem")
        (self.read if is_read else self.written)[self.caller] += units  # type: ignore[assignment]


def _request_capacity(params: dict[str, Any], **_: Any) -> None:
    params["ReturnConsumedCapacity"] = "TOTAL"


class Cost:
    """The cost of metering a thousand requests, and the throughput of a worker."""

    def __init__(self, local: LocalEnvironment) -> None:
        self.units = Units()
        self.events: dict[str, int] = {}
        self.consumed_per_s = self.consumer_cpu_ms = 0.0
        with pytest.MonkeyPatch.context() as patched:
            with pytest.MonkeyPatch.context() as counted:
                counted.setattr(dynamodb, "client", self.units.client)
                self._measure(local, patched)
            self._consume(usage_handlers()[RequestServed.event_name()])

    def _measure(self, local: LocalEnvironment, patched: pytest.MonkeyPatch) -> None:
        units, account_id, namespace_id = self.units, str(uuid.uuid4()), uuid.uuid4().hex[:12]
        table = enter(local, "kv", patched)["TABLE"]
        env = {"TABLE": table, "REDIS_URL": local.redis_url}
        namespace = Namespace("app", namespace_id, now_ms())
        store = NamespaceStore(dynamodb_client(), table, now_ms=now_ms)
        store.create(account_id, namespace, namespace_created(account_id, namespace, "bench"))
        limiter = RedisAdmission.at(local.redis_url)
        for number in range(GETS + PUTS):
            ticket = AdmissionRequest(
                account_id, "d" * 64, frozenset({Scope.READ}), "app", "put" if number < PUTS else "get", bytes_in=1_000
            )
            limiter.decide(ticket, AdmissionData(KEY, LIMITS, namespace_id))
        units.caller = "kv: flush"
        background.flusher({**env, "METER_FLUSH_DELAY_S": "0", "KEY_USE_REPORT_MINUTES": "15"}).flush()
        units.caller = "kv: storage"
        tracker = background.tracker(env)
        for batch in range(BATCHES):
            size = PUTS // BATCHES
            changes = [
                record(batch * size + n + 1, None, 1_000, namespace=namespace_id, key=f"k{batch * size + n}")
                for n in range(size)
            ]
            tracker.track(changes, f"bench-{account_id}")
        units.caller = ""
        events = _outbox_events(table, account_id)
        self.events = dict(Counter(event.name for event in events if event.name not in _RARE))
        enter(local, "usage", patched)
        patched.setenv("STAGE", "local")
        handle = usage_handlers()
        for event in events:
            if event.name in handle:
                units.caller = f"usage: {event.name}"
                handle[event.name](event)
        units.caller = ""

    def _consume(self, handle: Callable[[Event], object]) -> None:
        """Record minutes of many accounts sequentially."""
        minute = int(time.time()) // 60
        events = [new_event(str(uuid.uuid4()), _served(minute, number + 1)) for number in range(CONSUMED)]
        for event in events[:20]:
            handle(event)
        wall, cpu = time.perf_counter(), time.process_time()
        for event in events[20:]:
            handle(event)
        recorded = CONSUMED - 20
        self.consumed_per_s = recorded / (time.perf_counter() - wall)
        self.consumer_cpu_ms = (time.process_time() - cpu) / recorded * 1000


def _served(minute: int, requests: int) -> RequestServed:
    return RequestServed(
        minute=minute, epoch="bench", changes=requests, namespaces={"-": Served(requests={"get": requests}, bytes_in=0)}
    )


def _outbox_events(table: str, account_id: str) -> list[Event]:
    response = dynamodb_client().query(
        TableName=table,
        KeyConditionExpression="PK = :p AND begins_with(SK, :o)",
        ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":o": {"S": "OUTBOX#"}},
        ConsistentRead=True,
    )
    return [decode(item["name"]["S"], json.loads(item["detail"]["S"])) for item in response["Items"]]


def measure_delays(local: LocalEnvironment) -> tuple[list[float], list[float]]:
    """Return the delays from a request to its usage and from a threshold to its mail, in seconds."""
    with client(local) as http:
        tenant = sign_up(local, http, plan="business")
        tenant.namespace("app")
        headers = tenant.key()
        http.get("/v1/app/x", headers=headers)
        # The schedule starts a minute after it was created.
        await_value(lambda: _used(tenant) >= 1, within=120)
        chance = random.Random(7)  # noqa: S311  # not a secret
        return (
            [_request_to_usage(http, tenant, headers, chance) for _ in range(TRIALS)],
            [_threshold_to_mail(local, http) for _ in range(TRIALS)],
        )


def _used(tenant: Tenant) -> int:
    used: int = tenant.http.get("/v1/usage", headers=tenant.bearer).json()["requests"]["used"]
    return used


def _request_to_usage(http: httpx.Client, tenant: Tenant, headers: dict[str, str], chance: random.Random) -> float:
    before = _used(tenant)
    time.sleep(chance.uniform(0, 2))  # anywhere between two flushes
    started = time.perf_counter()
    http.get("/v1/app/x", headers=headers)
    await_value(lambda: _used(tenant) > before, within=20, pause=0.01)
    return time.perf_counter() - started


def _threshold_to_mail(local: LocalEnvironment, http: httpx.Client) -> float:
    """Publish usage of 85 % for a new account and wait for its mail."""
    tenant = sign_up(local, http)
    limits = PlanLimits(requests_per_second=10, burst=20, requests_per_month=100, storage_bytes=10**9)
    at_us = time.time_ns() // 1000
    change = PlanChanged(
        from_plan="free",
        to_plan="starter",
        limits=limits,
        effective_at="2026-11-20T10:00:00.000000Z",
        changed_at_us=at_us,
        source_event="evt_bench",
    )
    publish(local, "kv.billing", [new_event(tenant.account_id, change, at_us=at_us)])
    await_value(lambda: len(mails(local, tenant)) == 2, within=20)
    started = time.perf_counter()
    served = RequestServed(
        minute=int(time.time()) // 60,
        epoch="bench",
        changes=85,
        namespaces={"-": Served(requests={"get": 85}, bytes_in=0)},
    )
    publish(local, "kv.kv", [new_event(tenant.account_id, served)])
    await_value(lambda: len(mails(local, tenant)) == 3, within=20, pause=0.01)
    return time.perf_counter() - started


def measure(*, quick: bool) -> EventPath:
    """Start the environment and measure."""
    with tempfile.TemporaryDirectory() as folder, LocalEnvironment(Path(folder), say=lambda _: None) as local:
        local.deploy()
        cost = Cost(local)
        # Waiting for the schedule and repeating the requests takes minutes.
        delays = {} if quick else _delays(*measure_delays(local))
    return EventPath(
        read_units={caller: cost.units.read[caller] for caller in CALLERS},
        write_units={caller: cost.units.written[caller] for caller in CALLERS},
        events=cost.events,
        consumed_per_s=round(cost.consumed_per_s, 1),
        consumer_cpu_ms=round(cost.consumer_cpu_ms, 3),
        **delays,
    )


def _delays(usage: list[float], mail: list[float]) -> dict[str, float]:
    return {
        "request_to_usage_p50_s": round(statistics.median(usage), 3),
        "request_to_usage_p99_s": round(percentile(usage, 99), 3),
        "crossing_to_mail_p50_s": round(statistics.median(mail), 3),
        "crossing_to_mail_p99_s": round(percentile(mail, 99), 3),
    }
