"""Persistent HTTP/1.1 connections to one endpoint, kept open across requests and events.

Only the part of HTTP/1.1 that DynamoDB uses: a response without a Content-Length is an error.
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
    """There was no response in time, or it is malformed; the request may have been executed."""


class HttpResponse(msgspec.Struct, frozen=True):
    """A response, with botocore's field names; header names are in lower case."""

    status_code: int
    headers: dict[str, str]
    content: bytes


class ConnectionPool:
    """A thread-safe pool with as many connections as there are concurrent requests."""

    def __init__(
        self, endpoint_url: str, *, connect_timeout_s: float, read_timeout_s: float, ca_bundle: str | None = None
    ) -> None:
        endpoint = urlsplit(endpoint_url)
        self.host = endpoint.netloc
        """The value of the Host header."""
        self._address = (endpoint.hostname or "", endpoint.port or _PORTS[endpoint.scheme])
        self._is_secure = endpoint.scheme == "https"
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._ca_bundle = ca_bundle
        # Last in, first out: as few connections as possible stay in use.
        self._idle: deque[_Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    def post(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Return the response to POST /; raises TransportError."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        try:
            connection = self._take()
            try:
                response = connection.send(request)
            except BaseException:
                connection.close()
                raise
        except (OSError, ValueError, KeyError) as error:
            raise TransportError(type(error).__name__) from error
        if response.headers.get("connection", "").lower() == "close":
            connection.close()
        else:
            self._idle.append(connection)
        return response

    def _take(self) -> _Connection:
        """Return an open connection; the server may have closed idle ones while Lambda was frozen."""
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
        return ssl.create_default_context(cafile=self._ca_bundle or _botocore_ca_bundle())


def _botocore_ca_bundle() -> str:
    """Return the path of botocore's CA bundle without importing botocore: certifi's, or its own."""
    for package in ("certifi", "botocore"):
        found = find_spec(package)
        if found is not None and found.origin is not None:
            return str(Path(found.origin).with_name("cacert.pem"))
    raise ModuleNotFoundError("botocore")


def _close(connections: deque[_Connection]) -> None:
    for connection in connections:
        connection.close()


class _Connection:
    """One socket, used by one request at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = Reader(connected)
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)

    def send(self, request: bytes) -> HttpResponse:
        """Send a request and return its response; OSError, ValueError or KeyError if there is none."""
        self._socket.sendall(request)
        head = self._reader.read_until(b"\r\n\r\n", at_most=_MAX_HEAD)
        version_and_status, *lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = version_and_status.split(" ", 2)
        if version != "HTTP/1.1":
            raise ValueError(version)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = self._reader.read_exactly(int(headers["content-length"]))
        if not self._reader.is_empty:
            raise ValueError("data after the response")
        return HttpResponse(int(status), headers, content)

    def is_open(self) -> bool:
        """Return whether the connection is open: an idle socket becomes readable only when the server closes it."""
        return not self._poll.poll(0)

    def close(self) -> None:
        self._socket.close()
