"""Throughput and latency through the HTTP API of the emulator, for one and several clients.

Packaged functions, real Redis, real HTTP, clients on the same machine: the figures depend mostly on the emulator. They
are useful to compare runs on one machine.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from bench.results import Load, percentile
from infra.local.environment import LocalEnvironment
from tests.support.tenant import client, sign_up

CLIENTS = (1, 8, 32)
KEYS = 10
VALUE = b'{"value": {"name": "Ada", "tags": ["first", "programmer"], "balance": 10.00}}'


def run(base_url: str, headers: dict[str, str], method: str, clients: int, seconds: float) -> list[float]:
    """Return the latencies, in milliseconds, of the requests that `clients` send in `seconds`."""
    end = time.perf_counter() + seconds

    def work(number: int) -> list[float]:
        latencies: list[float] = []
        with httpx.Client(base_url=base_url, headers=headers, timeout=120, trust_env=False) as http:
            for count in itertools.count():
                started = time.perf_counter()
                if started > end:
                    return latencies
                body = VALUE if method == "PUT" else None
                response = http.request(method, f"/v1/bench/key-{number}-{count % KEYS}", content=body)
                response.raise_for_status()
                latencies.append((time.perf_counter() - started) * 1000)
        return latencies

    with ThreadPoolExecutor(clients) as pool:
        return [latency for latencies in pool.map(work, range(clients)) for latency in latencies]


def measure(*, quick: bool) -> list[Load]:
    """Start the environment, warm it up and measure."""
    seconds = 1.5 if quick else 10.0
    with tempfile.TemporaryDirectory() as folder, LocalEnvironment(Path(folder), say=lambda _: None) as local:
        local.deploy()
        with client(local) as http:
            tenant = sign_up(local, http, plan="business", rate=100_000, burst=100_000, quota=100_000_000)
            tenant.namespace("bench")
            headers = tenant.key()
        _fill(local.base_url, headers)
        # The warm-up starts the functions' workers, a few at a time.
        for clients in (1, 2, 4, 8, 16, 32):
            run(local.base_url, headers, "PUT", clients, 1)
        return [
            _load(method, clients, run(local.base_url, headers, method, clients, seconds), seconds)
            for clients in CLIENTS
            for method in ("PUT", "GET")
        ]


def _fill(base_url: str, headers: dict[str, str]) -> None:
    """Write every key that GET reads."""
    with httpx.Client(base_url=base_url, headers=headers, timeout=120, trust_env=False) as http:
        for number in range(max(CLIENTS)):
            for count in range(KEYS):
                http.put(f"/v1/bench/key-{number}-{count}", content=VALUE).raise_for_status()


def _load(method: str, clients: int, latencies: list[float], seconds: float) -> Load:
    return Load(
        method=method,
        clients=clients,
        requests_per_s=round(len(latencies) / seconds, 1),
        p50_ms=round(statistics.median(latencies), 2),
        p99_ms=round(percentile(latencies, 99), 2),
    )
