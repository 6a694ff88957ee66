"""The run file: how other commands find the local environment that runs now."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from infra.local.errors import LocalError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Running:
    """A running local environment."""

    pid: int
    """The supervisor's."""
    base_url: str
    aws_endpoint: str
    redis_url: str
    paddle_url: str


class RunFile:
    """`run.json` in the state folder; it exists while `make run` does."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "run.json"

    def write(self, running: Running) -> None:
        """Announce a run."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(asdict(running), indent=2) + "\n")

    def remove(self) -> None:
        """Announce its end."""
        self._path.unlink(missing_ok=True)

    def read(self) -> Running | None:
        """The run that goes on now; what a killed supervisor left behind does not count."""
        try:
            running = Running(**json.loads(self._path.read_text()))
            os.kill(running.pid, 0)
        except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError, TypeError):
            return None
        return running

    def require(self) -> Running:
        """The run that goes on now, or LocalError."""
        running = self.read()
        if running is None:
            raise LocalError("Nothing runs here. Start it in another terminal: make run")
        return running
