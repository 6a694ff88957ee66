"""Sockets with time-outs, and a buffered reader."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

_RECEIVED_AT_ONCE = 65_536


def open_socket(
    host: str, port: int, *, connect_timeout_s: float, timeout_s: float, tls: ssl.SSLContext | None = None
) -> socket.socket:
    """Return a connected socket with time-outs; OSError if it cannot be connected in time."""
    opened = socket.create_connection((host, port), timeout=connect_timeout_s)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if tls is not None:
            opened = tls.wrap_socket(opened, server_hostname=host)
        opened.settimeout(timeout_s)
    except BaseException:
        opened.close()
        raise
    return opened


class Reader:
    """Reads from a socket; raises ConnectionError at an early end, and the socket's own errors."""

    def __init__(self, connected: socket.socket) -> None:
        self._receive = connected.recv
        self._received = b""
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """Whether all received bytes have been read."""
        return self._at == len(self._received)

    def read_until(self, mark: bytes, *, at_most: int) -> bytes:
        """Return the bytes before `mark` and skip the mark; ValueError if there are more than `at_most`."""
        while (end := self._received.find(mark, self._at)) < 0:
            if len(self._received) - self._at > at_most:
                raise ValueError("the mark was not found in time")
            self._received = self._received[self._at :] + self._more()
            self._at = 0
        found = self._received[self._at : end]
        self._at = end + len(mark)
        return found

    def read_exactly(self, count: int) -> bytes:
        """Return `count` bytes."""
        missing = count - (len(self._received) - self._at)
        if missing > 0:
            parts = [self._received[self._at :]]
            while missing > 0:
                parts.append(self._more())
                missing -= len(parts[-1])
            self._received, self._at = b"".join(parts), 0
        found = self._received[self._at : self._at + count]
        self._at += count
        return found

    def _more(self) -> bytes:
        received = self._receive(_RECEIVED_AT_ONCE)
        if not received:
            raise ConnectionError("the response ended early")
        return received
