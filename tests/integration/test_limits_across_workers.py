"""Limits apply to all workers together: real processes and a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.kv_process import environment_of
from tests.support.tenant import sign_up

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment

SECONDS = 10


@pytest.mark.parametrize(("plan", "rate", "burst"), [("free", 10, 20), ("starter", 50, 100)])
def test_two_workers_together_admit_exactly_the_bucket(
    local: LocalEnvironment, http: httpx.Client, plan: str, rate: int, burst: int
) -> None:
    tenant = sign_up(local, http, plan=plan)
    namespace = tenant.namespace("app")
    key = tenant.new_key(namespaces=[namespace])["key"]
    command = [sys.executable, "-m", "tests.support.load_worker", key, namespace, str(SECONDS)]
    environment = {**os.environ, **environment_of(local, "kv")}
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    start = f"{time.time() + 0.2}\n"
    with ThreadPoolExecutor(len(workers)) as pool:
        outputs = list(pool.map(lambda worker: worker.communicate(start, timeout=60)[0], workers))
    counts = [json.loads(output.splitlines()[-1]) for output in outputs]
    admitted = sum(count["admitted"] for count in counts)
    # A request sent just before the end may be admitted just after it.
    assert admitted <= burst + rate * SECONDS + 2
    assert admitted >= burst + rate * SECONDS - 2
    assert all(count["refused"] > 0 for count in counts)


def test_monthly_quota_is_exact_under_concurrency(local: LocalEnvironment, http: httpx.Client) -> None:
    quota = 150
    tenant = sign_up(local, http, plan="business", quota=quota)
    namespace = tenant.namespace("app")
    headers = tenant.key()

    def put(number: int) -> tuple[int, str]:
        response = http.put(f"/v1/{namespace}/key-{number}", content=b'{"value": 1}', headers=headers)
        return response.status_code, response.json().get("error", {}).get("code", "")

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(put, range(quota + 50)))
    assert responses.count((201, "")) == quota
    assert responses.count((429, "QUOTA_EXCEEDED")) == 50
    stored = http.get(f"/v1/namespaces/{namespace}", headers=tenant.bearer)
    assert stored.status_code == 200
