"""Cost of a cold start: importing a packaged service in a new process, and its first request.

CPU and time exclude those of a bare interpreter; the process has only the unpacked zip and what Lambda's runtime
provides. Memory is resident memory after the response. kv's first request is a GET with empty caches, with a real Redis
and the DynamoDB stub; the other services serve their health route or the price list.
"""

from __future__ import annotations

import statistics
from typing import Any

from bench import dynamodb
from bench.account import Account
from bench.errors import BenchError
from bench.hot_path import events, redis, responses
from bench.packaged import packaged
from bench.results import Cold
from infra.repository import Repository
from tests.support.kv_process import event


def measure(*, quick: bool) -> dict[str, Cold]:
    """Measure every service; medians of several new processes."""
    return {service.name: _measure(service.name, 3 if quick else 11) for service in Repository.here().services()}


def _measure(service: str, runs: int) -> Cold:
    customer, limited = Account(), Account(rate=1, burst=1)
    first = events(customer, limited)["get"] if service == "kv" else _first(service)
    measured: list[dict[str, float]] = []
    with packaged(service) as package, redis() as (url, _):
        stubbed = responses(customer, limited, package) if service == "kv" else []
        with dynamodb.stub(stubbed) as stub:
            environment = {"REDIS_URL": url, "AWS_ENDPOINT_URL": stub.endpoint}
            # The first run is a warm-up: it compiles libraries, which Lambda has compiled.
            for _ in range(runs + 1):
                with package.running({"first": first}, environment) as probe:
                    measured.append(_cold(probe.imported, probe.serve("first", 1)))
    medians = {name: round(statistics.median(run[name] for run in measured[1:]), 1) for name in measured[0]}
    return Cold(**medians, zip_mb=round(package.zip_mb, 3))


def _first(service: str) -> dict[str, Any]:
    route = "/v1/billing/plans" if service == "billing" else f"/v1/health/{service}"
    return event("GET", route, {}, headers={"user-agent": "bench"})


def _cold(imported: dict[str, Any], first: dict[str, Any]) -> dict[str, float]:
    if first["status"] != 200:
        raise BenchError(f"The first request returned {first['status']}.")
    return {
        "import_cpu_ms": imported["cpu_ms"],
        "first_cpu_ms": first["cpu_ms"],
        "cpu_ms": imported["cpu_ms"] + first["cpu_ms"],
        "wall_ms": imported["wall_ms"] + first["wall_ms"][0],
        "rss_mb": first["rss_mb"],
    }
