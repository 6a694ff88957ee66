"""Requests a second and latency through the front door: `python -m bench.front_door [seconds]`.

Packaged functions on the emulator, real Redis, real HTTP, clients on the same machine: the figures are the emulator's
more than ours. They serve to compare one run with another on one machine.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from infra.local.environment import LocalEnvironment
from tests.support.tenant import client, sign_up

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = (1, 8)
VALUE = b'{"value": {"name": "Ada", "tags": ["first", "programmer"], "balance": 10.00}}'


def run(base_url: str, headers: dict[str, str], method: str, clients: int, seconds: float) -> list[float]:
    """Return the latencies, in milliseconds, of as many requests as `clients` make in `seconds`."""
    end = time.perf_counter() + seconds

    def work(number: int) -> list[float]:
        latencies: list[float] = []
        with httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False) as http:
            for count in itertools.count():
                started = time.perf_counter()
                if started > end:
                    return latencies
                body = VALUE if method == "PUT" else None
                answer = http.request(method, f"/v1/bench/key-{number}-{count % 50}", content=body)
                answer.raise_for_status()
                latencies.append((time.perf_counter() - started) * 1000)
        return latencies

    with ThreadPoolExecutor(clients) as pool:
        return [latency for latencies in pool.map(work, range(clients)) for latency in latencies]


def report(measure: Callable[[str, int], list[float]], seconds: float) -> None:
    """Print a line per method and number of clients."""
    print(f"{'method':7} {'clients':>7} {'req/s':>7} {'p50 ms':>7} {'p99 ms':>7}")
    for clients in CLIENTS:
        for method in ("PUT", "GET"):
            latencies = measure(method, clients)
            cuts = statistics.quantiles(latencies, n=100)
            print(f"{method:7} {clients:7} {len(latencies) / seconds:7.0f} {cuts[49]:7.1f} {cuts[98]:7.1f}")


def main(seconds: float) -> None:
    """Start everything, warm it up and measure."""
    with tempfile.TemporaryDirectory() as folder, LocalEnvironment(Path(folder)) as local:
        local.deploy()
        with client(local) as http:
            tenant = sign_up(local, http, plan="business", rate=100_000, burst=100_000, quota=100_000_000)
            tenant.namespace("bench")
            headers = tenant.key()
        # GET reads the keys that PUT left; the warm-up makes every key and every function's worker.
        run(local.base_url, headers, "PUT", max(CLIENTS), 3)
        report(lambda method, clients: run(local.base_url, headers, method, clients, seconds), seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
