"""kv_common.dynamodb.fast.sockets."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kv_common.dynamodb.fast.sockets import Reader, open_socket

if TYPE_CHECKING:
    from collections.abc import Callable


def read(pieces: list[bytes], reading: Callable[[Reader], object]) -> object:
    """Let somebody read what comes in pieces, and then ends."""
    theirs, ours = socket.socketpair()
    with theirs, ours:

        def send() -> None:
            with theirs:
                for piece in pieces:
                    theirs.sendall(piece)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            return reading(Reader(ours))
        finally:
            sender.join()


lines = st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=6)


@settings(max_examples=200, deadline=None)
@given(lines, st.binary(max_size=40), st.data())
def test_reads_do_not_depend_on_how_the_bytes_arrive(lines: list[bytes], rest: bytes, data: st.DataObject) -> None:
    sent = b"".join(line + b"\n" for line in lines) + rest
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]

    def reading(reader: Reader) -> object:
        found = [reader.read_until(b"\n", at_most=100) for _ in lines]
        return found, reader.read_exactly(len(rest)), reader.is_empty

    assert read(pieces, reading) == (lines, rest, True)


def test_early_end_is_an_error() -> None:
    with pytest.raises(ConnectionError):
        read([b"half a line"], lambda reader: reader.read_until(b"\n", at_most=100))
    with pytest.raises(ConnectionError):
        read([b"12345"], lambda reader: reader.read_exactly(6))


def test_missing_mark_is_an_error() -> None:
    with pytest.raises(ValueError, match="mark was not found"):
        read([b"x" * 101], lambda reader: reader.read_until(b"\n", at_most=100))


def test_unread_bytes_are_reported() -> None:
    assert read([b"one\ntwo"], lambda reader: (reader.read_until(b"\n", at_most=9), reader.is_empty)) == (b"one", False)


def test_socket_has_a_read_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with open_socket(host, port, connect_timeout_s=1, timeout_s=0.01) as opened, pytest.raises(TimeoutError):
            Reader(opened).read_exactly(1)
