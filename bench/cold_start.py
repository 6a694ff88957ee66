"""What a cold start costs: importing a packaged service in a fresh process, and its first answer.

CPU and time are those beyond a bare interpreter's, with nothing but the unpacked zip and what Lambda's runtime
provides; memory is what is resident after the answer. kv's first request is a GET of a value with everything looked
up for the first time, on a real Redis and the stub of DynamoDB; the other services answer what needs least.
"""

from __future__ import annotations

import statistics
from typing import Any

from bench import dynamodb
from bench.account import Account
from bench.errors import BenchError
from bench.hot_path import answers, events, redis
from bench.packaged import packaged
from bench.results import Cold
from infra.repository import Repository
from tests.support.kv_process import event


def measure(*, quick: bool) -> dict[str, Cold]:
    """Measure every service: medians over as many fresh processes."""
    return {service.name: _measure(service.name, 3 if quick else 11) for service in Repository.here().services()}


def _measure(service: str, runs: int) -> Cold:
    customer, poor = Account(), Account(rate=1, burst=1)
    first = events(customer, poor)["get"] if service == "kv" else _first(service)
    found: list[dict[str, float]] = []
    with packaged(service) as package, redis() as (url, _):
        own = answers(customer, poor, package) if service == "kv" else []
        with dynamodb.stub(own) as stub:
            environment = {"REDIS_URL": url, "AWS_ENDPOINT_URL": stub.endpoint}
            # Lambda has its libraries compiled; here the first run leaves them so, and does not count.
            for _ in range(runs + 1):
                with package.running({"first": first}, environment) as probe:
                    found.append(_cold(probe.imported, probe.serve("first", 1)))
    medians = {name: round(statistics.median(run[name] for run in found[1:]), 1) for name in found[0]}
    return Cold(**medians, zip_mb=round(package.zip_mb, 3))


def _first(service: str) -> dict[str, Any]:
    route = "/v1/billing/plans" if service == "billing" else f"/v1/health/{service}"
    return event("GET", route, {}, headers={"user-agent": "bench"})


def _cold(imported: dict[str, Any], first: dict[str, Any]) -> dict[str, float]:
    if first["status"] != 200:
        raise BenchError(f"The first request is answered with {first['status']}.")
    return {
        "import_cpu_ms": imported["cpu_ms"],
        "first_cpu_ms": first["cpu_ms"],
        "cpu_ms": imported["cpu_ms"] + first["cpu_ms"],
        "wall_ms": imported["wall_ms"] + first["wall_ms"][0],
        "rss_mb": first["rss_mb"],
    }
