"""A change of plan reaches kv: limits, quota and storage apply from the next request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kv_common.events import PlanChanged, PlanLimits
from tests.support.bus import new_event, publish
from tests.support.tenant import sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment

FREE = PlanLimits(requests_per_second=10, burst=20, requests_per_month=10_000, storage_bytes=100_000_000)
PRO = PlanLimits(requests_per_second=100, burst=200, requests_per_month=1_000_000, storage_bytes=10_000_000_000)


def change(local: LocalEnvironment, account_id: str, to_plan: str, limits: PlanLimits, at_us: int) -> None:
    """Publish a change of the account's plan."""
    data = PlanChanged(
        from_plan="free",
        to_plan=to_plan,
        limits=limits,
        effective_at="2026-11-20T10:00:00.000000Z",
        changed_at_us=at_us,
        source_event="evt_test",
    )
    publish(local, "kv.billing", [new_event(account_id, data, at_us=at_us)])


def test_bought_plan_applies_to_the_next_request_and_older_events_are_ignored(
    local: LocalEnvironment, http: httpx.Client
) -> None:
    tenant = sign_up(local, http, plan="free")
    tenant.namespace("app")
    headers = tenant.key()
    assert http.get("/v1/app/x", headers=headers).headers["X-Quota-Limit"] == "10000"
    now_us = time.time_ns() // 1000
    change(local, tenant.account_id, "pro", PRO, now_us)

    def quota() -> str:
        return http.get("/v1/app/x", headers=headers).headers["X-Quota-Limit"]

    await_value(lambda: quota() == "1000000", within=5)
    assert http.get("/v1/app/x", headers=headers).headers["X-RateLimit-Limit"] == "100"
    # An older event arrives late, followed by an event to wait for.
    change(local, tenant.account_id, "free", FREE, now_us - 1)
    own = PlanLimits(requests_per_second=101, burst=200, requests_per_month=1_000_001, storage_bytes=10_000_000_000)
    change(local, tenant.account_id, "business", own, now_us + 1)
    await_value(lambda: quota() == "1000001", within=5)
    change(local, tenant.account_id, "free", FREE, now_us - 2)
    assert quota() == "1000001"


def test_account_over_its_storage_limit_can_read_and_shrink_but_not_grow(
    local: LocalEnvironment, http: httpx.Client
) -> None:
    tenant = sign_up(local, http, plan="free")
    tenant.namespace("app")
    headers = tenant.key()

    def put(key: str, size: int) -> httpx.Response:
        return http.put(f"/v1/app/{key}", content=b'{"value": "' + b"x" * (size - 2) + b'"}', headers=headers)

    assert put("a", 600).status_code == 201
    assert put("b", 300).status_code == 201
    await_value(lambda: _bytes(http, tenant.bearer) == 902, within=10)
    small = PlanLimits(requests_per_second=10, burst=20, requests_per_month=10_001, storage_bytes=800)
    change(local, tenant.account_id, "business", small, time.time_ns() // 1000)
    await_value(lambda: http.get("/v1/app/a", headers=headers).headers["X-Quota-Limit"] == "10001", within=5)
    refused = put("c", 2)
    assert (refused.status_code, refused.json()["error"]["details"]["reason"]) == (413, "storage_quota")
    used = int(refused.headers["X-Quota-Remaining"])
    # A denied request is not counted.
    assert int(put("c", 2).headers["X-Quota-Remaining"]) == used
    assert put("a", 600).status_code == 200
    assert put("a", 601).status_code == 413
    assert http.get("/v1/app/a", headers=headers).status_code == 200
    assert put("a", 100).status_code == 200
    assert http.delete("/v1/app/b", headers=headers).status_code == 204
    await_value(lambda: put("c", 300).status_code == 201, within=10)


def _bytes(http: httpx.Client, bearer: dict[str, str]) -> int:
    held: int = http.get("/v1/namespaces/app", headers=bearer).json()["bytes"]
    return held
