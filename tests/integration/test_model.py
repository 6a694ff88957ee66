"""The packaged handler behaves like the model in thousands of random operations."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.api_machine import ApiMachine, Server
from tests.support.kv_process import event
from tests.support.packaged_kv import PackagedKv
from tests.support.scratch_table import scratch_table
from tests.support.tenant import set_plan, sign_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from infra.local.environment import LocalEnvironment

OPERATIONS = 20_000
DAY_MS = 86_400_000
MACHINE = settings(
    max_examples=20,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def server(local: LocalEnvironment, http: httpx.Client, tmp_path: Path) -> Iterator[Server]:
    """The packaged service on its own table, and an account with high limits."""
    tenant = sign_up(local, http)
    with scratch_table(local) as table, PackagedKv(local, tmp_path, table=table) as kv:
        set_plan(local, tenant.account_id, "business", table, rate=10**6, burst=10**6, quota=10**9)
        # The table may delete items that have expired by real time; by this clock, they expired long before.
        now_ms = time.time_ns() // 1_000_000 + DAY_MS
        made = kv.serve(
            event("POST", "/v1/namespaces", {}, headers=tenant.bearer, body='{"name": "app"}'), now_ms=now_ms
        )
        assert made["statusCode"] == 201, made
        yield Server(kv, "app", tenant.key(), now_ms)


def test_random_operations_match_the_model(server: Server, scale: int) -> None:
    class Machine(ApiMachine):
        def __init__(self) -> None:
            super().__init__(server)

    while server.performed.total() < OPERATIONS * scale:
        run_state_machine_as_test(Machine, settings=MACHINE)

    # Most of the operations must succeed for the test to be significant.
    outcomes = {
        "get": {200, 304, 404, 409, 412},
        "head": {200, 304, 404, 412},
        "put": {200, 201, 412},
        "patch": {200, 404, 409, 412},
        "increment": {200, 409, 412},
        "delete": {204, 412},
        "list": {200},
        "batch": {409},
        "again": {200, 201, 404, 409, 412},
    }
    assert {kind: {status for name, status in server.performed if name == kind} for kind in outcomes} == outcomes
