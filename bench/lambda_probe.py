"""Runs a packaged service as Lambda would, and measures it from inside: `python lambda_probe.py`, never imported.

It runs alone in a bare interpreter that sees the package and Lambda's runtime. It takes one JSON object a line on
standard input and answers with one on standard output: first the places of code (`path`) and the `events` by name,
then commands: {"serve": name, "requests": n}, {"bare": name, "requests": n}, {"profile": name, "requests": n}.
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
#: What is looked at of Lambda's. Not made anew: importing what makes one is the service's to pay.
_CONTEXT = SimpleNamespace(aws_request_id="6d68ca91-49c9-448d-89b8-7ca3e6dc66aa")
Json = dict[str, Any]


def main() -> None:
    """Import the service, then do as told until standard input closes."""
    told = json.loads(sys.stdin.readline())
    sys.path[:0] = told["path"]
    imported = Timer()
    handler = importlib.import_module("app").app
    say(imported.stop())
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # log lines: written, and kept by nobody
    for line in sys.stdin:
        command = json.loads(line)
        if "bare" in command:
            say(bare(handler, told["events"][command["bare"]], command["requests"]))
        elif "profile" in command:
            say(profile(handler, told["events"][command["profile"]], command["requests"]))
        else:
            say(serve(handler, told["events"][command["serve"]], command["requests"]))


class Timer:
    """The CPU and the time since it was made, in milliseconds."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> Json:
        """Return what has passed, and the memory that is resident now."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        with open("/proc/self/status") as status:  # noqa: PTH123
            resident = next(line for line in status if line.startswith("VmRSS"))
        return {"cpu_ms": cpu * 1000, "wall_ms": wall * 1000, "rss_mb": int(resident.split()[1]) / 1024}


def serve(handler: Any, event: Json, requests: int) -> Json:
    """Serve the same event again and again; the times are of one request."""
    answer: Json = {}
    walls = []
    timer = Timer()
    for _ in range(requests):
        started = time.perf_counter()
        answer = handler(event, _CONTEXT)
        walls.append((time.perf_counter() - started) * 1000)
    measured = timer.stop()
    headers = sum(len(name) + len(value) + 4 for name, value in answer["headers"].items())
    return {
        "cpu_ms": measured["cpu_ms"] / requests,
        "rss_mb": measured["rss_mb"],
        "wall_ms": walls,
        "status": answer["statusCode"],
        "bytes_out": headers + len(answer["body"]),
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
    """Make the calls that a request makes of Redis and of DynamoDB, and nothing else; the times are of one request."""
    from kv_common.admission.redis import RedisAdmission
    from kv_common.dynamodb.fast.client import FastClient

    handler(event, _CONTEXT)  # what is known for seconds only may have been forgotten since
    calls: dict[str, list[tuple[Any, tuple[Any, ...], Json]]] = {"redis": [], "dynamodb": []}
    methods: dict[str, tuple[Any, str]] = {"dynamodb": (FastClient, "__call__"), "redis": (RedisAdmission, "_run")}
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
    """Return where the CPU goes: [file, line, function, own µs, µs with callees] of one request.

    A sample every millisecond of CPU, so that nothing but what runs is slowed down; what a function in C takes counts
    for the function that called it.
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
    """Return a path without the folder it was unpacked into."""
    for root in sys.path:
        if root and file.startswith(root):
            return file[len(root) :].lstrip("/").removeprefix("vendor/")
    return file


def say(answer: object) -> None:
    """Answer with one line."""
    _out.write(json.dumps(answer) + "\n")
    _out.flush()


main()
