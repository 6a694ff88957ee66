"""A server with scripted replies that records its requests."""

from __future__ import annotations

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import parse_headers
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from http.client import HTTPMessage
    from io import BufferedReader


@dataclass(frozen=True, slots=True)
class Request:
    """A received request; `connection` counts from 0."""

    line: str
    headers: HTTPMessage
    body: bytes
    connection: int


Reply = Callable[[socket.socket, Request], None]
"""Replies to a request on its connection; ConnectionError closes the connection."""


class ScriptedServer:
    """Sends its replies in order over all connections, and repeats the last one."""

    def __init__(self, replies: Sequence[Reply] = (), tls: ssl.SSLContext | None = None) -> None:
        self.script(replies)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"

    def script(self, replies: Sequence[Reply]) -> None:
        """Restart with other replies."""
        self.requests: list[Request] = []
        self._replies = list(replies)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(timeout=5)
            assert not thread.is_alive()

    def hang_up(self) -> None:
        """Close every connection, like a server does with idle ones."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    # The handshake happens at the first read, in the connection's thread.
                    connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._connections.append(connection)
                serve = threading.Thread(target=self._serve, args=(connection, len(self._connections) - 1))
                self._threads.append(serve)
                serve.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as reader:
            while request := _read(reader, number):
                with self._lock:
                    self.requests.append(request)
                    reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                reply(connection, request)


def _read(reader: BufferedReader, number: int) -> Request | None:
    line = reader.readline()
    if not line:
        return None
    headers = parse_headers(reader)
    return Request(line.decode().strip(), headers, reader.read(int(headers["content-length"])), number)


def says(content: bytes, status: str = "200 OK", **headers: str | None) -> Reply:
    """Reply with a body of any bytes; a header that is None is omitted."""
    told = {
        "x_amzn_RequestId": "REQUEST",
        "Content_Type": "application/x-amz-json-1.0",
        "Content_Length": str(len(content)),
        **headers,
    }
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items() if value is not None)
    return sends(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content)


def sends(content: bytes) -> Reply:
    """Send raw bytes."""
    return lambda connection, _: connection.sendall(content)


def responses(body: object, status: str = "200 OK") -> Reply:
    """Reply with JSON like DynamoDB."""
    text = json.dumps(body).encode()
    return says(text, status, x_amz_crc32=str(zlib.crc32(text)))


def refuses(code: str, status: str = "400 Bad Request", **members: Any) -> Reply:
    """Reply with an error like DynamoDB; one of its errors capitalizes the field Message."""
    kind = f"com.amazonaws.dynamodb.v20120810#{code}"
    message = "Message" if code == "TransactionCanceledException" else "message"
    return responses({"__type": kind, message: f"it is {code}", **members}, status)


def cuts_off(connection: socket.socket, request: Request) -> None:
    """Send less than the Content-Length and close the connection."""
    says(b'{"Item": {"v": {"S": "', Content_Length="100")(connection, request)
    raise ConnectionError


def resets(connection: socket.socket, _: Request) -> None:
    """Reset the connection without a response."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionError


def keeps_silent(_: socket.socket, __: Request) -> None:
    """Send nothing and keep the connection open."""


def echoes(connection: socket.socket, request: Request) -> None:
    """Reply to PutItem with its item."""
    responses({"Attributes": json.loads(request.body)["Item"]})(connection, request)
