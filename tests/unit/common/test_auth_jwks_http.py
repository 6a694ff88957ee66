"""kv_common.auth.jwks_http, against a real server."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from kv_common.auth.jwks import JwksUnavailable
from kv_common.auth.jwks_http import MAX_BYTES, http_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that responds to one connection with given bytes and returns the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []

        def response(reply: bytes) -> None:
            connection, _ = listener.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65_536):
                    pass
                connection.sendall(reply)

        def start(reply: bytes) -> str:
            threads.append(threading.Thread(target=response, args=(reply,), daemon=True))
            threads[-1].start()
            return f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json"

        yield start
        for thread in threads:
            thread.join(timeout=5)
            assert not thread.is_alive()


def http_answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_key_set_is_fetched(serve: Serve) -> None:
    document = {"keys": [{"kid": "a"}]}

    assert http_source(serve(http_answer(json.dumps(document).encode())))() == document


UNUSABLE = {
    "a 500": http_answer(b"{}", "500 Internal Server Error"),
    "a 404": http_answer(b'{"keys": []}', "404 Not Found"),
    "no JSON": http_answer(b"<html>"),
    "nothing": http_answer(b""),
    "no UTF-8": http_answer(b'{"keys": "\xff"}'),
    "a list": http_answer(b"[]"),
    "null": http_answer(b"null"),
    "more than it may have": http_answer(b'{"keys": ["' + b"x" * MAX_BYTES + b'"]}'),
    "less than it announced": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"keys": ',
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a connection closed without an answer": b"",
    "something that is not HTTP": b"220 mail.example ESMTP\r\n\r\n",
}


@pytest.mark.parametrize("reply", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_response_is_rejected(serve: Serve, reply: bytes) -> None:
    with pytest.raises(JwksUnavailable):
        http_source(serve(reply))()


def test_refused_connection_is_an_unavailable_key_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(JwksUnavailable):
        http_source(f"http://127.0.0.1:{port}/")()
