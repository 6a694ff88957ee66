"""Runs a packaged service like Lambda and measures it in process: `python lambda_probe.py`, never imported.

It runs in a bare interpreter that has only the package and Lambda's runtime. It reads one JSON object per line from
standard input and writes one to standard output: first the import path (`path`) and the `events` by name, then
commands: {"serve": name, "requests": n}, {"bare": name, "requests": n}, {"profile": name, "requests": n}.
Times are milliseconds of this process.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import sys
import time
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType, FrameType

_out = sys.stdout
#: The part of Lambda's context that is used. Imports for it would count as the service's.
_CONTEXT = SimpleNamespace(aws_request_id="6d68ca91-49c9-448d-89b8-7ca3e6dc66aa")
Json = dict[str, Any]


def main() -> None:
    """Import the service, then execute commands until standard input closes."""
    job = json.loads(sys.stdin.readline())
    sys.path[:0] = job["path"]
    imported = Timer()
    handler = importlib.import_module("app").app
    respond(imported.stop())
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # log lines are discarded
    for line in sys.stdin:
        command = json.loads(line)
        if "bare" in command:
            respond(bare(handler, job["events"][command["bare"]], command["requests"]))
        elif "profile" in command:
            respond(profile(handler, job["events"][command["profile"]], command["requests"]))
        else:
            respond(serve(handler, job["events"][command["serve"]], command["requests"]))


class Timer:
    """CPU and time since its creation, in milliseconds."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> Json:
        """Return the elapsed times and the resident memory."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        with open("/proc/self/status") as status:  # noqa: PTH123
            resident = next(line for line in status if line.startswith("VmRSS"))
        return {"cpu_ms": cpu * 1000, "wall_ms": wall * 1000, "rss_mb": int(resident.split()[1]) / 1024}


def serve(handler: Any, event: Json, requests: int) -> Json:
    """Serve an event repeatedly; the times are per request."""
    response: Json = {}
    walls = []
    timer = Timer()
    for _ in range(requests):
        started = time.perf_counter()
        response = handler(event, _CONTEXT)
        walls.append((time.perf_counter() - started) * 1000)
    measured = timer.stop()
    headers = sum(len(name) + len(value) + 4 for name, value in response["headers"].items())
    return {
        "cpu_ms": measured["cpu_ms"] / requests,
        "rss_mb": measured["rss_mb"],
        "wall_ms": walls,
        "status": response["statusCode"],
        "bytes_out": headers + len(response["body"]),
        "log_bytes": _log_bytes(handler, event),
    }


def _log_bytes(handler: Any, event: Json) -> int:
    devnull, sys.stdout = sys.stdout, io.StringIO()
    try:
        handler(event, _CONTEXT)
        return len(sys.stdout.getvalue())
    finally:
        sys.stdout = devnull


def bare(handler: Any, event: Json, requests: int) -> Json:
    """Repeat only the Redis and DynamoDB calls of a request; the times are per request."""
    from kv_common.dynamodb.fast.client import FastClient
    from kv_common.redis import Script

    handler(event, _CONTEXT)  # refresh caches that live for seconds only
    calls: dict[str, list[tuple[Any, tuple[Any, ...], Json]]] = {"redis": [], "dynamodb": []}
    methods: dict[str, tuple[Any, str]] = {"dynamodb": (FastClient, "__call__"), "redis": (Script, "__call__")}
    for name, (owner, method) in methods.items():
        _record(owner, method, calls[name])
    handler(event, _CONTEXT)
    for owner, method in methods.values():
        setattr(owner, method, getattr(owner, method).original)
    measured = {}
    for name, recorded in calls.items():
        timer = Timer()
        for _ in range(requests):
            for function, arguments, keywords in recorded:
                function(*arguments, **keywords)
        measured[name] = timer.stop()["cpu_ms"] / requests if recorded else 0.0
    return measured


def _record(owner: Any, method: str, calls: list[tuple[Any, tuple[Any, ...], Json]]) -> None:
    original = getattr(owner, method)

    def recorded(*arguments: Any, **keywords: Any) -> Any:
        calls.append((original, arguments, keywords))
        return original(*arguments, **keywords)

    recorded.original = original  # type: ignore[attr-defined]
    setattr(owner, method, recorded)


def profile(handler: Any, event: Json, requests: int) -> Json:
    """Return the CPU profile: [file, line, function, own µs, µs with callees] per request.

    It samples every millisecond of CPU, which slows nothing down. The time of a C function counts for its caller.
    """
    own: Counter[CodeType] = Counter()
    with_callees: Counter[CodeType] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        if frame is not None:
            own[frame.f_code] += 1
        seen = set()
        while frame is not None:
            seen.add(frame.f_code)
            frame = frame.f_back
        with_callees.update(seen)

    signal.signal(signal.SIGPROF, sample)
    timer = Timer()
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    for _ in range(requests):
        handler(event, _CONTEXT)
    signal.setitimer(signal.ITIMER_PROF, 0)
    us = timer.stop()["cpu_ms"] * 1000 / requests / (own.total() or 1)
    rows = [
        [_short(code.co_filename), code.co_firstlineno, code.co_qualname, own[code] * us, found * us]
        for code, found in with_callees.items()
        if code.co_filename != __file__
    ]
    return {"functions": sorted(rows, key=lambda row: -row[4])}


def _short(file: str) -> str:
    """Return a path relative to its import path."""
    for root in sys.path:
        if root and file.startswith(root):
            return file[len(root) :].lstrip("/").removeprefix("vendor/")
    return file


def respond(response: object) -> None:
    """Write a response line."""
    _out.write(json.dumps(response) + "\n")
    _out.flush()


main()
