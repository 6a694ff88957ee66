"""Comparison with another JSON store in the same run: Kinto, in memory and on PostgreSQL.

Kinto's WSGI application is called directly, as our handler is, without a socket. Kinto in memory stores everything in
its process; our handler makes a round trip to Redis and one to the DynamoDB stub over loopback, and Kinto on PostgreSQL
to a real PostgreSQL over a Unix socket. Kinto checks a password and has no limits; ours checks a key, a rate and a
quota. Its virtual environment is created from `locks/bench.txt` when needed.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import hot_path
from bench.errors import BenchError
from bench.hot_path import PAGE, VALUE_BYTES, Effort
from bench.results import Peer
from bench.values import json_value
from infra import setup
from infra.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBE = Path(__file__).with_name("kinto_probe.py")
_OURS = Effort(rounds=5, requests=100, delayed=5, bare=5)
_DEBIAN = Path("/usr/lib/postgresql")


def measure(*, quick: bool) -> list[Peer]:
    """Measure Kinto with both backends, and ours before each."""
    python = _environment()
    peers = [_measure("Kinto, memory", python, "memory", {}, quick=quick)]
    programs = _postgresql()
    if programs is None:
        print("PostgreSQL is not installed (Debian: apt-get install postgresql): its row is omitted.")
        return peers
    with _server(programs) as url:
        stores = {"storage_url": url, "permission_url": url, "cache_url": url}
        peers.append(_measure("Kinto, PostgreSQL", python, "postgresql", stores, quick=quick))
    return peers


def _environment() -> Path:
    """Return the interpreter of Kinto's environment, created if needed."""
    root = Repository.here().root
    folder = root / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    environment = setup.Environment(folder / "kinto", root / "locks" / "bench.txt")
    if not environment.is_current():
        setup.build(environment, Path(sys.executable).with_name("uv"))
    return environment.python


def _measure(name: str, python: Path, backend: str, stores: dict[str, str], *, quick: bool) -> Peer:
    ours = hot_path.measure(quick=quick, effort=_OURS)
    settings = {
        "multiauth.policies": "basicauth",
        "userid_hmac_secret": "bench",
        "storage_backend": f"kinto.core.storage.{backend}",
        "permission_backend": f"kinto.core.permission.{backend}",
        "cache_backend": f"kinto.core.cache.{backend}",
        **stores,
    }
    rounds, requests = (3, 60) if quick else (9, 100)
    job = {
        "settings": settings,
        "value": json_value(VALUE_BYTES),
        "page": PAGE,
        "rounds": rounds,
        "requests": requests,
    }
    done = subprocess.run(
        [python, "-I", "-W", "ignore", _PROBE],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={"LANG": "C.UTF-8", "PATH": os.defpath},
    )
    if done.returncode != 0:
        raise BenchError(f"{name} could not be measured.")
    response: dict[str, Any] = json.loads(done.stdout)
    medians = {
        kind: {
            operation: round(statistics.median(round_[kind] for round_ in rounds_of), 4)
            for operation, rounds_of in response["operations"].items()
        }
        for kind in ("cpu_ms", "wall_ms")
    }
    ours_ms = {operation: getattr(ours, operation).wall_ms for operation in medians["wall_ms"]}
    ratio = {operation: round(wall / ours_ms[operation], 2) for operation, wall in medians["wall_ms"].items()}
    return Peer(name=name, version=response["version"], ours_wall_ms=ours_ms, ratio=ratio, **medians)


def _postgresql() -> Path | None:
    """Return the folder of the newest installed PostgreSQL."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda program: float(program.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def _server(programs: Path) -> Iterator[str]:
    """Start a PostgreSQL with default settings and a socket in its folder."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # PostgreSQL does not run as root, which is usual in containers.
        as_root = os.geteuid() == 0
        user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if as_root else {}
        name = "postgres" if as_root else pwd.getpwuid(os.geteuid()).pw_name
        if as_root:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
        initialize: list[str | Path] = [
            "--pgdata",
            data,
            "--username",
            name,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]
        subprocess.run([programs / "initdb", *initialize], check=True, **quiet)
        options: list[str | Path] = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "timezone=UTC"]
        with subprocess.Popen([programs / "postgres", *options], **quiet) as server:
            try:
                _await_ready(programs, folder, name)
                yield f"postgresql://{name}@/postgres?host={folder}"
            finally:
                server.terminate()


def _await_ready(programs: Path, folder: Path, user: str) -> None:
    for _ in range(200):
        command: list[str | Path] = [programs / "pg_isready", "--host", folder, "--username", user]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise BenchError("PostgreSQL does not respond.")
