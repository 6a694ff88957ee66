"""TCP ports of this machine."""

from __future__ import annotations

import socket

from infra.local.errors import LocalError

HOST = "127.0.0.1"


def free_port(*, below: int = 65_536) -> int:
    """A port that nobody listens on now."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port < below:
            return port


def require_free(port: int, *, variable: str, what: str) -> None:
    """Raise LocalError when a port is taken, naming the make variable that chooses another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LocalError(
                f"Port {port} of {HOST} is in use, so {what} cannot start there. If that is an earlier run: make stop. "
                f"Otherwise choose another port: make run {variable}={port + 10}"
            ) from error
