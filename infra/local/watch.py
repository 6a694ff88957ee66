"""Watching a service's sources and deploying them to the local environment on every save."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from infra.local.environment import local_deployment
from infra.local.run_file import RunFile
from infra.terminal import EXPECTED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.repository import Repository

_POLL_SECONDS = 0.3
_SUFFIXES = {".py", ".json", ".lua", ".toml", ".txt", ".html"}

Snapshot = dict["Path", tuple[int, int]]


def watch(repository: Repository, name: str, say: Callable[[str], None]) -> None:
    """Deploy a service now and whenever a file of it changes, until Ctrl-C; errors are printed and it goes on."""
    service = repository.service(name)
    running = RunFile(repository.local).require()
    roots = (service.folder, repository.common)
    before: Snapshot | None = None
    say(f"Watching {', '.join(str(root.relative_to(repository.root)) for root in roots)}. Ctrl-C ends it.")
    while True:
        now = snapshot(*roots, service.lock)
        if now != before:
            before = now
            started = time.monotonic()
            try:
                local_deployment(
                    repository, running.aws_endpoint, running.redis_url, running.paddle_url, say
                ).deploy_service(service)
                say(f"{name}: live after {time.monotonic() - started:.1f} s")
            except EXPECTED as error:
                print(f"{name}: {error}", file=sys.stderr, flush=True)
        time.sleep(_POLL_SECONDS)


def snapshot(*roots: Path) -> Snapshot:
    """Time and size of every source file below some folders."""
    found: Snapshot = {}
    for root in roots:
        for file in [root] if root.is_file() else root.rglob("*"):
            if file.suffix in _SUFFIXES and "__pycache__" not in file.parts:
                try:
                    status = file.stat()
                except FileNotFoundError:
                    continue  # an editor's temporary file
                found[file] = (status.st_mtime_ns, status.st_size)
    return found
