"""A child process that is always stopped orderly."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from infra.local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The emulator writes its state when it is asked to stop; killing it loses everything since its start.
_PATIENCE_SECONDS = 30.0


#: Loaded before any fork; None where the system has no such call (macOS).
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Let the kernel ask this process to end, orderly, when its parent is killed: nobody else would."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A running program with its output in a file.

    It lives in a session of its own: Ctrl-C in the terminal reaches the supervisor only, which then stops it in order.
    On Linux it also ends when the thread that started it does, so start it from the main thread.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, no lock, nothing imported
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def require_running(self) -> None:
        """Raise LocalError with the end of the log when the program has ended."""
        if not self.is_running():
            raise LocalError(
                f"{self.name} ended with {self._process.returncode}. The end of {self.log}:\n{self.tail()}"
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program, if it still runs."""
        if self.is_running():
            os.kill(self._process.pid, number)

    def stop(self) -> None:
        """Ask the program to end and wait until it has."""
        self.send(signal.SIGCONT)  # a paused program cannot end
        self.send(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # children that it left behind, in its session

    def tail(self, lines: int = 25) -> str:
        """The last lines of the program's output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
