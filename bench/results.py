"""The results of a run and the file that stores them.

Milliseconds are per request unless a name states otherwise, and medians unless it ends in `p99`. Ratios compare figures
of the same run. Each part has its own time of measurement, because parts can be measured separately.
"""

from __future__ import annotations

import math
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST = Path(__file__).with_name("results") / "latest.json"


class Part(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the file; unknown fields are an error."""


class Machine(Part):
    """The machine that was measured on."""

    processor: str
    cores: int
    memory_gb: int
    python: str
    system: str


class RoundTrips(Part):
    """Network round trips of one request."""

    redis: float
    dynamodb: float


class Bytes(Part):
    """Bytes of one request received and sent by Redis and DynamoDB."""

    redis_in: int
    redis_out: int
    dynamodb_in: int
    dynamodb_out: int


class Operation(Part):
    """One operation on the hot path; `client_ms` is the CPU of its client calls alone, `ours_ms` the rest."""

    round_trips: RoundTrips
    bytes: Bytes
    bytes_out: int
    log_bytes: int
    cpu_ms: float
    client_ms: float
    ours_ms: float
    wall_ms: float
    wall_ms_p99: float
    wall_ms_at_5ms: float
    wall_ms_at_5ms_p99: float


class HotPath(Part):
    """The warm packaged handler, with a DynamoDB stub that responds immediately or after 5 ms."""

    value_bytes: int
    get: Operation
    put: Operation
    list: Operation
    delete: Operation
    denied: Operation
    not_modified: Operation


class Profile(Part):
    """CPU profile of an operation: [file, line, function, own µs, µs with callees] per request."""

    functions: list[tuple[str, int, str, float, float]]


class Cold(Part):
    """A new process up to its first response: CPU beyond that of a bare interpreter, memory, and the zip."""

    import_cpu_ms: float
    first_cpu_ms: float
    cpu_ms: float
    wall_ms: float
    rss_mb: float
    zip_mb: float


class Load(Part):
    """Requests of concurrent clients."""

    method: str
    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


class Decisions(Part):
    """Admissions of concurrent clients, distributed over accounts, and PINGs by the same clients."""

    clients: int
    accounts: int
    decisions_per_s: float
    pings_per_s: float
    ratio: float


class Admission(Part):
    """The admission script: through the service's client, and on plain sockets, which shows the server's cost."""

    service: list[Decisions]
    sockets: list[Decisions]
    script_us: float
    ecpu: float


class Growth(Part):
    """Units and bytes of operations in a namespace of `keys` values of `value_bytes`."""

    keys: int
    value_bytes: int
    get_units: float
    put_units: float
    put_index_units: float
    list_units: float
    get_bytes: int
    put_bytes: int
    list_bytes: int


class EventPath(Part):
    """Publishing and recording usage: units per 1,000 requests of an account, and delays in seconds."""

    read_units: dict[str, float]
    write_units: dict[str, float]
    events: dict[str, int]
    consumed_per_s: float
    consumer_cpu_ms: float
    request_to_usage_p50_s: float | None = None
    request_to_usage_p99_s: float | None = None
    crossing_to_mail_p50_s: float | None = None
    crossing_to_mail_p99_s: float | None = None


class Peer(Part):
    """Operations of another store in milliseconds, ours from the same run, and the ratio."""

    name: str
    version: str
    cpu_ms: dict[str, float]
    wall_ms: dict[str, float]
    ours_wall_ms: dict[str, float]
    ratio: dict[str, float]


class Version(Part):
    """One version of kv: CPU of warm requests and of a cold start up to the first response, and its zip."""

    cpu_ms: dict[str, float]
    cold_cpu_ms: float
    zip_mb: float


class Comparison(Part):
    """kv compared with an earlier revision, measured alternately; ratios are medians of the rounds' ratios."""

    revision: str
    now: Version
    base: Version
    ratio: dict[str, float]
    cold_ratio: float
    card_import_cpu_ms: float


class Resources(Part):
    """Fixed resources of a stage, and settings that affect costs, from the templates."""

    alarms: int
    queues: int
    secrets: int
    memory_mb: int
    storage_batch_s: int


class Results(Part):
    """The parts of a run that were measured."""

    machine: Machine
    measured: dict[str, str]
    hot_path: HotPath | None = None
    cold: dict[str, Cold] | None = None
    front_door: list[Load] | None = None
    admission: Admission | None = None
    growth: list[Growth] | None = None
    event_path: EventPath | None = None
    peers: list[Peer] | None = None
    resources: Resources | None = None
    comparison: Comparison | None = None


def load(path: Path = LATEST) -> Results:
    """Read results; msgspec.ValidationError if the file does not match."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def save(results: Results, path: Path) -> None:
    """Write results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")


def this_machine() -> Machine:
    """Describe this machine without its host name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=models[0] if models else platform.machine(),
        cores=os.cpu_count() or 0,
        memory_gb=round(pages / 2**30),
        python=platform.python_version(),
        system=platform.system(),
    )


def now() -> str:
    """Return the current time for `measured`."""
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime())


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
