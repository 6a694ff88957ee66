"""The packaged kv, on the environment's DynamoDB and Redis, with a clock set by the test."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infra.packaging import build_cache
from infra.packaging.architecture import Architecture
from infra.packaging.verify import provide_runtime
from infra.repository import Repository
from tests.support.kv_process import environment_of

if TYPE_CHECKING:
    from types import TracebackType

    from infra.local.environment import LocalEnvironment

_WORKER = Path(__file__).with_name("packaged_kv_worker.py")


class PackagedKv:
    """The package, unpacked into `folder` and served by an isolated process, with its own `table`.

    Its log is `folder`/kv.log.
    """

    def __init__(self, local: LocalEnvironment, folder: Path, *, table: str) -> None:
        repository = Repository.here()
        package = build_cache.build(repository, repository.service("kv"), Architecture.of_host())
        code, runtime = folder / "task", folder / "runtime"
        with zipfile.ZipFile(package.code) as packed:
            packed.extractall(code)
        provide_runtime(runtime)
        self._path = [str(code), str(runtime)]
        self._log = folder / "kv.log"
        self._environment = {"PATH": "/usr/bin:/bin", **environment_of(local, "kv"), "TABLE": table}

    def serve(self, event: dict[str, Any], *, now_ms: int) -> dict[str, Any]:
        """Return the response to a gateway event at the given time."""
        self._write([now_ms, event])
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text()[-5_000:]
        response: dict[str, Any] = json.loads(line)
        return response

    def _write(self, message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        command = [sys.executable, "-I", "-S", "-B", str(_WORKER)]
        pipe = subprocess.PIPE
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=pipe, stdout=pipe, stderr=log, text=True
            )
        self._write(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)
