"""`python -m bench.comparison REVISION`: compare kv with an earlier revision in one run.

The earlier revision is extracted into build/bench and packaged by its own tools. Both packages then serve the same
requests and start cold alternately, so that a drifting machine affects both. A third figure is the import of every
runtime library in a bare interpreter: the upper bound of a cold start that imports all of them.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench import dynamodb, results
from bench.account import Account
from bench.errors import BenchError
from bench.hot_path import events, redis, responses, running
from bench.packaged import packaged, unpacked
from bench.results import Comparison, Version
from infra.packaging.package import Package
from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from bench.packaged import Packaged

_OPERATIONS = {"get": 200, "put": 200, "list": 200, "delete": 204, "denied": 429}
_CARD = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import chalice, boto3, pydantic, redis, redis.cluster, jwt, jwt.algorithms, tenacity
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities import batch, data_classes, parameters
boto3.client("dynamodb", region_name="us-east-1")
print((time.process_time() - cpu) * 1000)
"""


def measure(revision: str, *, quick: bool) -> Comparison:
    """Compare the working tree with `revision`."""
    rounds, requests, starts = (5, 100, 5) if quick else (21, 200, 15)
    with packaged("kv") as now, unpacked(_package_of(revision)) as base:
        versions = {"now": now, "base": base}
        warm = _warm(versions, rounds, requests)
        cold = _cold(versions, starts)
    card = [_card_import() for _ in range(starts + 1)][1:]
    measured_versions = {
        name: Version(
            cpu_ms={operation: round(statistics.median(values), 4) for operation, values in warm[name].items()},
            cold_cpu_ms=round(statistics.median(cold[name]), 1),
            zip_mb=round(package.zip_mb, 3),
        )
        for name, package in versions.items()
    }
    return Comparison(
        revision=revision,
        now=measured_versions["now"],
        base=measured_versions["base"],
        ratio={
            operation: round(
                statistics.median(a / b for a, b in zip(warm["now"][operation], warm["base"][operation], strict=True)),
                3,
            )
            for operation in _OPERATIONS
        },
        cold_ratio=round(statistics.median(a / b for a, b in zip(cold["now"], cold["base"], strict=True)), 3),
        card_import_cpu_ms=round(statistics.median(card), 1),
    )


def _package_of(revision: str) -> Package:
    """Return kv's package of an earlier revision, built by that revision's own tools."""
    commit = _run("git", "rev-parse", "--verify", f"{revision}^{{commit}}").strip()
    root = Repository.here().build / "bench" / commit[:12]
    if not root.exists():
        root.mkdir(parents=True)
        archive = root.with_suffix(".tar")
        _run("git", "archive", "--output", str(archive), commit)
        _run("tar", "--extract", "--file", str(archive), "--directory", str(root))
        archive.unlink()
    print(f"packaging kv of {commit[:12]} …", flush=True)
    printed = _run("make", "package", "SERVICE=kv", "STAGE=local", folder=root)
    zips = re.findall(r"^zip: +(\S+)$", printed, re.MULTILINE)
    if len(zips) != 1:
        raise BenchError(f"`make package` of {revision} named no zip:\n{printed}")
    return Package("kv", (root / zips[0]).parent)


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder or Repository.here().root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _warm(versions: dict[str, Packaged], rounds: int, requests: int) -> dict[str, dict[str, list[float]]]:
    """Return the CPU of every operation of both versions, in milliseconds, a figure per round."""
    customer, limited = Account(), Account(rate=1, burst=1)
    incoming = events(customer, limited)
    measured: dict[str, dict[str, list[float]]] = {name: {one: [] for one in _OPERATIONS} for name in versions}
    with ExitStack() as stack:
        probes = {}
        for name, package in versions.items():
            # A Redis for each: the versions may not be able to read each other's data.
            url, _ = stack.enter_context(redis())
            stub = stack.enter_context(dynamodb.stub(responses(customer, limited, package)))
            probes[name] = stack.enter_context(running(package, incoming, url, stub))
        for round_ in range(rounds + 1):
            for operation, status in _OPERATIONS.items():
                for name, probe in probes.items():
                    if operation == "denied":
                        probe.serve(operation, 1)
                    served = probe.serve(operation, requests)
                    if served["status"] != status:
                        raise BenchError(f"{name}: {operation} returned {served['status']} instead of {status}.")
                    if round_:
                        measured[name][operation].append(served["cpu_ms"])
    return measured


def _cold(versions: dict[str, Packaged], starts: int) -> dict[str, list[float]]:
    """Return the CPU of importing and serving a first GET, in milliseconds, a figure per new process."""
    customer, limited = Account(), Account(rate=1, burst=1)
    first = {"first": events(customer, limited)["get"]}
    measured: dict[str, list[float]] = {name: [] for name in versions}
    for start in range(starts + 1):
        for name, package in versions.items():
            with (
                redis() as (url, _),
                dynamodb.stub(responses(customer, limited, package)) as stub,
                running(package, first, url, stub) as probe,
            ):
                cpu_ms = probe.imported["cpu_ms"] + probe.serve("first", 1)["cpu_ms"]
                # The first start compiles what the package does not contain in compiled form.
                if start:
                    measured[name].append(cpu_ms)
    return measured


def _card_import() -> float:
    """Return the CPU of importing every library of the runtime in a bare interpreter, in milliseconds."""
    return float(_run(sys.executable, "-I", "-c", _CARD))


def main() -> None:
    """Compare, print and store the figures."""
    parser = argparse.ArgumentParser(prog="bench.comparison", description=__doc__)
    parser.add_argument("revision", help="an earlier commit, such as a tag")
    parser.add_argument("--quick", action="store_true", help="less accurate; stores nothing")
    arguments = parser.parse_args()
    started = time.monotonic()
    comparison = measure(arguments.revision, quick=arguments.quick)
    show(comparison)
    if not arguments.quick:
        stored = results.load()
        stored.comparison = comparison
        stored.measured["comparison"] = results.now()
        results.save(stored, results.LATEST)
    print(f"({time.monotonic() - started:.0f} s)")


def show(comparison: Comparison) -> None:
    """Print the comparison."""
    print(f"kv compared with {comparison.revision}: CPU in ms, medians; the ratio is the median of the rounds' ratios")
    for operation, ratio in comparison.ratio.items():
        now, base = comparison.now.cpu_ms[operation], comparison.base.cpu_ms[operation]
        print(f"  {operation:12} {now:8.3f} {base:8.3f} {ratio:6.2f}")
    print(f"  {'cold start':12} {comparison.now.cold_cpu_ms:8.0f} {comparison.base.cold_cpu_ms:8.0f}", end="")
    print(f" {comparison.cold_ratio:6.2f}")
    print(f"  {'zip MB':12} {comparison.now.zip_mb:8.2f} {comparison.base.zip_mb:8.2f}")
    print(f"  importing every library: {comparison.card_import_cpu_ms:.0f} ms")


if __name__ == "__main__":
    main()
