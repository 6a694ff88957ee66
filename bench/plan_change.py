"""Delay until a Paddle webhook takes effect: `python -m bench.plan_change`.

Starts an environment and measures the time from posting the webhook to its response, to the plan in
GET /v1/billing/subscription, and to the new limits in the headers of a request to kv. Accounts are sequential, warm.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.environment import LocalEnvironment
from kv_common.plans import CATALOG
from tests.support.paddle import Customer
from tests.support.tenant import client, sign_up

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

ACCOUNTS = 60
WARM_UP = 5
_GIVE_UP_S = 10.0


class NoEffect(Exception):
    """The webhook did not take effect in time."""


def main() -> None:
    """Print a line per effect."""
    with tempfile.TemporaryDirectory() as folder, LocalEnvironment(Path(folder), say=lambda _: None) as local:
        local.deploy()
        with client(local) as http:
            runs = [_buy(local, http) for _ in range(WARM_UP + ACCOUNTS)][WARM_UP:]
    print(f"{'until':14} {'p50 ms':>8} {'p99 ms':>8}")
    for name in runs[0]:
        times = sorted(run[name] for run in runs)
        print(f"{name:14} {statistics.median(times) * 1000:8.1f} {times[int(len(times) * 0.99)] * 1000:8.1f}")


def _buy(local: LocalEnvironment, http: httpx.Client) -> dict[str, float]:
    """Buy a plan for a new account; return the delay of each effect in seconds."""
    tenant = sign_up(local, http)
    tenant.namespace("app")
    key, customer = tenant.key(), Customer(local, http, tenant)
    pro = str(CATALOG["pro"].requests_per_second)
    http.get("/v1/app/nothing", headers=key)
    started = time.perf_counter()
    customer.tell("subscription.activated").raise_for_status()
    return {
        "response": time.perf_counter() - started,
        "subscription": _until(lambda: customer.subscription()["plan"] == "pro", started),
        "limits": _until(lambda: http.get("/v1/app/nothing", headers=key).headers["X-RateLimit-Limit"] == pro, started),
    }


def _until(holds: Callable[[], bool], started: float) -> float:
    """Return the seconds from `started` until `holds` returns true."""
    while not holds():
        if time.perf_counter() - started > _GIVE_UP_S:
            raise NoEffect
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
