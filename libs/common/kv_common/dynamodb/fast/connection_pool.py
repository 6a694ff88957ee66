"""ConnectionPool to one endpoint that are kept open from request to request, and from one event to the next.

It is the part of HTTP/1.1 that DynamoDB speaks: every answer says its length. What reads otherwise is no answer.
"""

from __future__ import annotations

import select
import ssl
import weakref
from collections import deque
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from kv_common.dynamodb.fast.sockets import Reader, open_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_PORTS = {"http": 80, "https": 443}
_MAX_HEAD = 65_536


class TransportError(Exception):
    """There was no answer, or not in time, or none that can be read; the request may have been carried out."""


class HttpResponse(msgspec.Struct, frozen=True):
    """What came back, by the names that botocore has for it; header names are in lower case."""

    status_code: int
    headers: dict[str, str]
    content: bytes


class ConnectionPool:
    """As many connections as requests are under way at once; threads may share them."""

    def __init__(
        self, endpoint_url: str, *, connect_timeout_s: float, read_timeout_s: float, ca_bundle: str | None = None
    ) -> None:
        endpoint = urlsplit(endpoint_url)
        self.host = endpoint.netloc
        """The host as requests name it."""
        self._address = (endpoint.hostname or "", endpoint.port or _PORTS[endpoint.scheme])
        self._is_secure = endpoint.scheme == "https"
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._ca_bundle = ca_bundle
        # The last one back goes first again, so that no more stay in use than are needed.
        self._idle: deque[_Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    def post(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Return the answer to a POST to /; raises TransportError."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        try:
            connection = self._take()
            try:
                answer = connection.exchange(request)
            except BaseException:
                connection.close()
                raise
        except (OSError, ValueError, KeyError) as error:
            raise TransportError(type(error).__name__) from error
        if answer.headers.get("connection", "").lower() == "close":
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def _take(self) -> _Connection:
        """Return an open connection: the other side may have ended one while this environment was frozen."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # another thread was faster
            if connection.is_open():
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> _Connection:
        host, port = self._address
        return _Connection(
            open_socket(
                host,
                port,
                connect_timeout_s=self._connect_timeout_s,
                timeout_s=self._read_timeout_s,
                tls=self._tls if self._is_secure else None,
            )
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_bundle or _botocores_certificates())


def _botocores_certificates() -> str:
    """Return the file of certificates that botocore believes, without importing it: certifi's, else its own."""
    for package in ("certifi", "botocore"):
        found = find_spec(package)
        if found is not None and found.origin is not None:
            return str(Path(found.origin).with_name("cacert.pem"))
    raise ModuleNotFoundError("botocore")


def _close(connections: deque[_Connection]) -> None:
    for connection in connections:
        connection.close()


class _Connection:
    """One socket; its requests come one after the other."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = Reader(connected)
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)

    def exchange(self, request: bytes) -> HttpResponse:
        """Send a request and return its answer; OSError, ValueError or KeyError where there is none."""
        self._socket.sendall(request)
        head = self._reader.until(b"\r\n\r\n", at_most=_MAX_HEAD)
        version_and_status, *lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = version_and_status.split(" ", 2)
        if version != "HTTP/1.1":
            raise ValueError(version)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = self._reader.exactly(int(headers["content-length"]))
        if not self._reader.is_empty:
            raise ValueError("more than an answer")
        return HttpResponse(int(status), headers, content)

    def is_open(self) -> bool:
        """Tell whether nothing has come since the last answer: what can be read now is the end."""
        return not self._poll.poll(0)

    def close(self) -> None:
        self._socket.close()
