"""Calls of Redis, as admission needs them: in as many bytes and as little time as the protocol takes.

redis-py does the same and much more: it takes three times as long for a call, most of it around the call, and importing
it would be half of a cold start (docs/adr/0032).
https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2)
"""

from __future__ import annotations

import hashlib
import ssl
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from kv_common.dynamodb.fast.sockets import Reader, open_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

Part = str | int
Reply = bytes | int | list["Reply"] | None

_PORT = 6379
_MAX_LINE = 65_536


class RedisFailure(Exception):
    """A call did not come to an answer. It is a ConnectionLost, a TooLate, or an ErrorReply."""


class ConnectionLost(RedisFailure):
    """The connection could not be made or has ended; the call may have been carried out."""


class TooLate(RedisFailure):
    """There was no answer in time; the call may be carried out yet."""


class ErrorReply(RedisFailure):
    """Redis refuses the call; `kind` is the error's first word, such as READONLY."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.kind = text.partition(" ")[0]


class Address(NamedTuple):
    """Where a Redis is, and as whom it is asked."""

    host: str
    port: int
    database: int
    username: str
    password: str
    tls: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Return the address in `redis[s]://[[user]:password@]host[:port][/database]`; ValueError when it is none."""
        parts = urlsplit(url)
        database = parts.path.removeprefix("/") or "0"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        try:
            port = parts.port or _PORT
        except ValueError:
            port = 0  # and not in the library's words, which show what may be a part of a password
        known = parts.scheme in ("redis", "rediss") and not parts.query and database.isdecimal()
        if not known or not parts.hostname or not port:
            raise ValueError("The address of a Redis is redis[s]://[[user]:password@]host[:port][/database].")
        return cls(parts.hostname, port, int(database), user, password, parts.scheme == "rediss")


class RedisCalls:
    """Makes calls of one Redis, on as many connections as calls are under way at once; threads may share them.

    A connection that died while it was kept fails the call that comes next, and the one after it has a new one.
    """

    def __init__(self, url: str, *, connect_timeout_s: float, timeout_s: float) -> None:
        self._address = Address.of(url)
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    def call(self, *parts: Part) -> Reply:
        """Return Redis' answer to a command."""
        (reply,) = self.together(parts)
        return reply

    def together(self, *commands: Sequence[Part]) -> list[Reply]:
        """Return Redis' answers to several commands, in one trip; ErrorReply when one is refused: others are done."""
        return self._exchange(b"".join([encoded(command) for command in commands]), len(commands))

    def transaction(self, *commands: Sequence[Part]) -> None:
        """Carry out commands at one moment, in one trip; ErrorReply when one of them is refused."""
        self.together(("MULTI",), *commands, ("EXEC",))

    def script(self, text: str) -> Script:
        """Return a Lua script of this Redis."""
        return Script(self, text)

    def disconnect(self) -> None:
        """Close the connections that nobody uses now; the next call looks the server's name up again."""
        _close(self._idle)

    def _exchange(self, request: bytes, replies: int) -> list[Reply]:
        connection = self._take()
        try:
            found = connection.exchange(request, replies)
        except ErrorReply:
            self._idle.append(connection)
            raise
        except BaseException:
            # An answer may still be on its way: the next request must not take it for its own.
            connection.close()
            raise
        self._idle.append(connection)
        return found

    def _take(self) -> Connection:
        try:
            # The last one back goes first again, so that no more stay in use than are needed.
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> Connection:
        with _failures_told("no connection in time"):
            connection = Connection(self._open())
        try:
            for command in _greeting(self._address):
                connection.exchange(encoded(command), 1)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> socket.socket:
        address = self._address
        return open_socket(
            address.host,
            address.port,
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
            tls=self._tls if address.tls else None,
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class Script:
    """A Lua script, which is taught to a server that does not know it."""

    def __init__(self, calls: RedisCalls, text: str) -> None:
        self._calls = calls
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # the name that Redis has for it

    def __call__(self, keys: Sequence[str], arguments: Sequence[Part]) -> Reply:
        """Return what the script answers to keys and arguments."""
        (reply,) = self.each([(keys, arguments)])
        return reply

    def each(self, called_with: Sequence[tuple[Sequence[str], Sequence[Part]]]) -> list[Reply]:
        """Return what it answers to each of several keys and arguments, in one trip.

        What it has done may be done again, where the server forgets it in between.
        """
        commands = [("EVALSHA", self._sha, len(keys), *keys, *arguments) for keys, arguments in called_with]
        try:
            return self._calls.together(*commands)
        except ErrorReply as error:
            if error.kind != "NOSCRIPT":
                raise
        self._calls.call("SCRIPT", "LOAD", self._text)
        return self._calls.together(*commands)


def _greeting(address: Address) -> list[Sequence[Part]]:
    """Return what a new connection says first."""
    commands: list[Sequence[Part]] = []
    if address.password:
        commands.append(("AUTH", *([address.username] if address.username else []), address.password))
    if address.database:
        commands.append(("SELECT", address.database))
    return commands


@contextmanager
def _failures_told(late: str) -> Iterator[None]:
    """Turn a socket's failures into ours."""
    try:
        yield
    except TimeoutError as error:
        raise TooLate(late) from error
    except (OSError, ValueError) as error:
        raise ConnectionLost(type(error).__name__) from error


def _close(connections: deque[Connection]) -> None:
    # One after the other: another thread may take one meanwhile.
    with suppress(IndexError):
        while True:
            connections.pop().close()


def encoded(parts: Sequence[Part]) -> bytes:
    """Return a command as it is sent: an array of strings."""
    texts = [str(part).encode() for part in parts]
    return b"*%d\r\n" % len(texts) + b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])


class Connection:
    """One socket; its calls come one after the other."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = Reader(connected)

    def exchange(self, request: bytes, replies: int) -> list[Reply]:
        """Send commands and return as many replies; ErrorReply when one is an error, after all of them have come."""
        with _failures_told("no answer in time"):
            self._socket.sendall(request)
            return _without_errors([self._reply() for _ in range(replies)])

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _reply(self) -> Reply | ErrorReply:
        line = self._reader.until(b"\r\n", at_most=_MAX_LINE)
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else self._reader.exactly(int(rest) + 2)[:-2]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if kind == b"-":
            return ErrorReply(rest.decode("utf-8", "replace"))
        if kind == b"*":
            return None if rest == b"-1" else self._array(int(rest))
        raise ValueError("no reply")

    def _array(self, length: int) -> Reply | ErrorReply:
        try:
            return _without_errors([self._reply() for _ in range(length)])
        except ErrorReply as error:
            # Of a transaction, one command: others may have been carried out.
            return error


def _without_errors(replies: Sequence[Reply | ErrorReply]) -> list[Reply]:
    """Return replies, or raise the first error among them."""
    error = next((reply for reply in replies if isinstance(reply, ErrorReply)), None)
    if error is not None:
        raise error
    return cast("list[Reply]", replies)
