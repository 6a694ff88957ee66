"""A DynamoDB stub that responds immediately or after a fixed delay: `python dynamodb_stub.py`, in its own process.

It selects a response by the operation and a text in the request, and sends it as encoded at the start. Each connection
has a blocking thread, which makes the delay exact; an event loop would round it up to the next millisecond.

It reads one JSON object from standard input: `delay_ms`, and `responses`, a list of [operation, text, body] of which
the first match is sent. It writes its port to standard output. `GET /` returns the number of requests and bytes so far.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import zlib
from dataclasses import dataclass

_TARGET = b"x-amz-target: dynamodb_20120810."
_SPIN_S = 0.0003


@dataclass(slots=True)
class Seen:
    """Traffic so far, without requests for these counters."""

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Connection:
    """One client's connection; requests are sequential."""

    def __init__(self, connection: socket.socket, responses: list[tuple[bytes, bytes, bytes]], delay_s: float) -> None:
        self._socket = connection
        self._responses = responses
        self._delay_s = delay_s
        self._rest = b""

    def serve(self, seen: Seen) -> None:
        """Serve requests until the client disconnects."""
        while True:
            read = self._request()
            if read is None:
                return
            head, body = read
            if head.startswith(b"GET "):
                counts = {"requests": seen.requests, "bytes_in": seen.bytes_in, "bytes_out": seen.bytes_out}
                self._socket.sendall(encoded(counts))
                continue
            response = self._response(head, body)
            seen.requests += 1
            seen.bytes_in += len(head) + len(body)
            seen.bytes_out += len(response)
            _wait(self._delay_s)
            self._socket.sendall(response)

    def _request(self) -> tuple[bytes, bytes] | None:
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(65_536)
            if not more:
                return None
            data += more
        head = data[: end + 4]
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 : lower.index(b"\r", at)]) if at >= 0 else 0
        while len(data) < end + 4 + length:
            data += self._socket.recv(1_048_576)
        self._rest = data[end + 4 + length :]
        return head, data[end + 4 : end + 4 + length]

    def _response(self, head: bytes, body: bytes) -> bytes:
        lower = head.lower()
        at = lower.find(_TARGET) + len(_TARGET)
        operation = head[at : head.index(b"\r", at)]
        for name, text, response in self._responses:
            if name == operation and text in body:
                return response
        return encoded({})


def _wait(seconds: float) -> None:
    """Wait for exactly that time: sleeping alone is a tenth of a millisecond late."""
    end = time.perf_counter() + seconds
    if seconds > _SPIN_S:
        time.sleep(seconds - _SPIN_S)
    while time.perf_counter() < end:
        pass


def encoded(body: object) -> bytes:
    """Return a response as DynamoDB sends it."""
    text = json.dumps(body, separators=(",", ":")).encode()
    head = (
        "HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
        "Content-Type: application/x-amz-json-1.0\r\nConnection: keep-alive\r\n"
        "x-amzn-RequestId: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEF\r\n"
        f"x-amz-crc32: {zlib.crc32(text)}\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


def main() -> None:
    """Listen on a free port until standard input closes."""
    configuration = json.loads(sys.stdin.readline())
    responses = [(name.encode(), text.encode(), encoded(body)) for name, text, body in configuration["responses"]]
    seen = Seen()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            served = Connection(connection, responses, configuration["delay_ms"] / 1000)
            threading.Thread(target=served.serve, args=(seen,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
