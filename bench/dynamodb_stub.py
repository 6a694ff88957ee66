"""A DynamoDB that answers at once, or after a fixed time: `python dynamodb_stub.py`, as a process of its own.

What is measured against it is the caller. It looks at an operation's name, and at whether a text stands in the
request, and sends an answer that was encoded when it started; a thread for each connection, which blocks. So its
delay is exact, where an event loop would round it up to the next millisecond.

On standard input it takes one JSON object: `delay_ms`, and `answers`, a list of [operation, text, body] of which the
first that fits is sent. On standard output it says its port. `GET /` answers with the requests and bytes so far.
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
    """What came and went so far, but for those who asked for it."""

    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Connection:
    """One client's connection; requests come one after the other."""

    def __init__(self, connection: socket.socket, answers: list[tuple[bytes, bytes, bytes]], delay_s: float) -> None:
        self._socket = connection
        self._answers = answers
        self._delay_s = delay_s
        self._rest = b""

    def serve(self, seen: Seen) -> None:
        """Answer until the client goes."""
        while True:
            read = self._request()
            if read is None:
                return
            head, body = read
            if head.startswith(b"GET "):
                counts = {"requests": seen.requests, "bytes_in": seen.bytes_in, "bytes_out": seen.bytes_out}
                self._socket.sendall(encoded(counts))
                continue
            answer = self._answer(head, body)
            seen.requests += 1
            seen.bytes_in += len(head) + len(body)
            seen.bytes_out += len(answer)
            _wait(self._delay_s)
            self._socket.sendall(answer)

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

    def _answer(self, head: bytes, body: bytes) -> bytes:
        lower = head.lower()
        at = lower.find(_TARGET) + len(_TARGET)
        operation = head[at : head.index(b"\r", at)]
        for name, text, answer in self._answers:
            if name == operation and text in body:
                return answer
        return encoded({})


def _wait(seconds: float) -> None:
    """Wait exactly so long: sleeping alone comes back a tenth of a millisecond late."""
    end = time.perf_counter() + seconds
    if seconds > _SPIN_S:
        time.sleep(seconds - _SPIN_S)
    while time.perf_counter() < end:
        pass


def encoded(body: object) -> bytes:
    """Return an answer as DynamoDB sends it."""
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
    answers = [(name.encode(), text.encode(), encoded(body)) for name, text, body in configuration["answers"]]
    seen = Seen()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            served = Connection(connection, answers, configuration["delay_ms"] / 1000)
            threading.Thread(target=served.serve, args=(seen,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
