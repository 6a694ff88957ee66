"""Flows across all services: thresholds from requests to mails, and complete deletion of an account."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from redis import Redis

from infra.repository import Repository
from kv_common.events import PlanChanged, PlanLimits
from tests.support.alerts import alerts, await_alerts, mails
from tests.support.bus import new_event, publish
from tests.support.leftovers import items_containing, left_in_auth, objects, tables_of
from tests.support.tenant import client, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

QUOTA = 1_000
CLIENTS = 8


def give_quota(local: LocalEnvironment, tenant: Tenant, requests: int) -> None:
    """Publish a change of plan like billing, and wait until the other services have applied it."""
    at_us = time.time_ns() // 1000
    limits = PlanLimits(requests_per_second=10_000, burst=20_000, requests_per_month=requests, storage_bytes=10**9)
    change = PlanChanged(
        from_plan="free",
        to_plan="business",
        limits=limits,
        effective_at="2026-11-20T10:00:00.000000Z",
        changed_at_us=at_us,
        source_event="evt_test",
    )
    publish(local, "kv.billing", [new_event(tenant.account_id, change, at_us=at_us)])

    def known() -> bool:
        month = tenant.http.get("/v1/usage", headers=tenant.bearer).json()
        return bool(month["requests"]["limit"] == requests)

    await_value(known, within=20)


def test_thousand_concurrent_requests_cause_one_alert_and_one_mail_per_threshold(
    local: LocalEnvironment, http: httpx.Client
) -> None:
    tenant = sign_up(local, http, plan="free")
    give_quota(local, tenant, QUOTA)
    await_alerts(tenant, "welcome", "plan_changed")
    tenant.namespace("app")
    headers = tenant.key()

    def send(count: int) -> Counter[int]:
        with client(local) as one:
            return Counter(one.get("/v1/app/x", headers=headers).status_code for _ in range(count))

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = sum(pool.map(send, [QUOTA // CLIENTS + 5] * CLIENTS), Counter[int]())
    assert (statuses[404], statuses[429]) == (QUOTA, CLIENTS * 5)

    crossings = ["usage_threshold"] * 3
    found = await_alerts(tenant, "welcome", "plan_changed", "api_key_issued", *crossings, within=90)
    threshold_alerts = [alert for alert in found if alert["kind"] == "usage_threshold"]
    assert sorted(alert["data"]["threshold"] for alert in threshold_alerts) == [80, 90, 100]
    assert {alert["email"]["status"] for alert in threshold_alerts} == {"sent"}
    subjects = [mail["Subject"] for mail in mails(local, tenant)]
    assert len(subjects) == len(found)
    assert len([subject for subject in subjects if "requests" in subject]) == 3


def fill(local: LocalEnvironment, http: httpx.Client, tenant: Tenant) -> None:
    """Store data of an account in every service: values, keys, usage, alerts, a subscription."""
    for name in ("app", "logs"):
        tenant.namespace(name)
    key = tenant.new_key()
    headers = {"x-api-key": key["key"]}
    for number in range(40):
        path = f"/v1/{'app' if number % 2 else 'logs'}/k{number}"
        value = "x" * (1_000_000 if number == 0 else 1)  # the first is stored in the bucket
        assert http.put(path, content=f'{{"value": "{value}"}}', headers=headers).status_code == 201
    assert http.delete(f"/v1/api-keys/{tenant.new_key()['id']}", headers=tenant.bearer).status_code == 204
    give_quota(local, tenant, 50)

    def kept_everywhere() -> bool:
        month = http.get("/v1/usage", headers=tenant.bearer).json()
        subscription = http.get("/v1/billing/subscription", headers=tenant.bearer)
        kinds = Counter(alert["kind"] for alert in alerts(tenant))
        counted = month["requests"]["used"] == 40 and month["storage"]["keys"] == 40
        return bool(
            counted and subscription.status_code == 200 and kinds["usage_threshold"] == 1 and kinds["api_key_revoked"]
        )

    await_value(kept_everywhere, within=60)


def test_deleted_account_leaves_nothing_in_any_table_or_bucket_or_in_redis(
    local: LocalEnvironment, http: httpx.Client
) -> None:
    tenant, other = sign_up(local, http, plan="business"), sign_up(local, http, plan="business")
    for one in (tenant, other):
        fill(local, http, one)
    services = [service.name for service in Repository.here().services()]
    tables = [table for service in services for table in tables_of(local, service)]
    namespace_ids = _namespace_ids(local, tenant)
    assert len(namespace_ids) == 2
    assert len(objects(local, *namespace_ids)) == 1
    texts = (tenant.account_id, tenant.email, *namespace_ids)

    assert http.delete("/v1/auth/me", headers=tenant.bearer).status_code == 202

    def left() -> list[object]:
        return [*items_containing(local, tables, *texts), *objects(local, *namespace_ids), *left_in_auth(local, tenant)]

    await_value(lambda: not left(), within=60, pause=0.5)
    with Redis.from_url(local.redis_url, decode_responses=True) as redis:
        kept = {str(name).split(":")[1] for name in redis.scan_iter(f"{{{tenant.account_id}}}:*")}
        # Tombstones that reject remaining keys and sessions; they expire within a day.
        assert kept <= {"key", "limits", "gone"}
        assert redis.hget(f"{{{tenant.account_id}}}:limits", "plan") == "closed"
    # Neither late events nor an open session create new data.
    response = http.post("/v1/namespaces", json={"name": "again"}, headers=tenant.bearer)
    assert response.status_code == 401
    change = PlanChanged(
        from_plan="free",
        to_plan="pro",
        limits=PlanLimits(requests_per_second=1, burst=1, requests_per_month=1, storage_bytes=1),
        effective_at="2026-11-20T10:00:00.000000Z",
        changed_at_us=2**52,
        source_event="evt_late",
    )
    publish(local, "kv.billing", [new_event(tenant.account_id, change)])
    give_quota(local, other, 60)
    assert left() == []
    # The other account has kept its data.
    assert http.get("/v1/usage", headers=other.bearer).json()["storage"]["keys"] == 40
    assert len(http.get("/v1/app?limit=100", headers=other.key()).json()["keys"]) == 20


def _namespace_ids(local: LocalEnvironment, tenant: Tenant) -> list[str]:
    items = items_containing(local, tables_of(local, "kv"), tenant.account_id)
    return [json.dumps(item["id"]["S"])[1:-1] for item in items if item["SK"]["S"].startswith("NAMESPACE#")]
