"""Commands on one Redis node, and what every client of Redis offers.

redis-py's connection pool checks a connection before it lends it: one that died while the function was frozen is
replaced before anything is sent. So a command is never sent twice: after a failure in between, Redis may have executed
it.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.connection import ConnectionPool
    from redis.credentials import CredentialProvider

    from kv_common.redis.settings import RedisSettings

Part = str | int
Command = Sequence[Part]
Reply = bytes | int | list["Reply"] | None
Report = Callable[[str, str], None]
"""Takes what is wrong with the settings and what to set."""


class RedisUnavailable(Exception):
    """Redis did not answer in time, or did not execute a command.

    `is_outage` is False where Redis answers and cannot serve these keys right now, as while it moves their slot.
    """

    def __init__(self, message: str, *, is_outage: bool = True) -> None:
        super().__init__(message)
        self.is_outage = is_outage


class RedisClient(ABC):
    """Commands by the key they are for; every method raises RedisUnavailable. Threads may share a client."""

    @abstractmethod
    def execute(self, key: str, *commands: Command) -> list[Reply]:
        """Return the replies to commands on keys that share the slot of `key`, in one round trip.

        Raises if any of them fails; the others may have been executed.
        """

    @abstractmethod
    def execute_all(self, commands: Sequence[tuple[str, Command]]) -> list[Reply]:
        """Return the replies to idempotent commands on any keys, in their order and one round trip per node."""

    @abstractmethod
    def primaries(self) -> list[RedisNode]:
        """Return the nodes that hold the keys now."""

    def transaction(self, key: str, *commands: Command) -> None:
        """Execute commands on keys that share the slot of `key` atomically, in one round trip."""
        self.execute(key, ("MULTI",), *commands, ("EXEC",))

    def script(self, source: str) -> Script:
        """Return a Lua script of this Redis."""
        return Script(self, source)


class Script:
    """A Lua script, loaded where a node does not know it; all of its keys share one slot."""

    def __init__(self, client: RedisClient, source: str) -> None:
        self._client = client
        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()  # how Redis names it

    def __call__(self, keys: Sequence[str], arguments: Sequence[Part]) -> Reply:
        """Return the script's reply."""
        from redis.exceptions import NoScriptError

        try:
            (reply,) = self._client.execute(keys[0], ("EVALSHA", self._sha, len(keys), *keys, *arguments))
        except RedisUnavailable as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            # EVAL loads the script where it runs, so a node that a slot moves to learns it as well.
            (reply,) = self._client.execute(keys[0], ("EVAL", self._source, len(keys), *keys, *arguments))
        return reply

    def each(self, calls: Sequence[tuple[Sequence[str], Sequence[Part]]]) -> list[Reply]:
        """Return the replies to several calls, in one round trip per node; for scripts that may run twice."""
        from redis.exceptions import NoScriptError

        def commands(*name: str) -> list[tuple[str, Command]]:
            return [(keys[0], (*name, len(keys), *keys, *arguments)) for keys, arguments in calls]

        try:
            return self._client.execute_all(commands("EVALSHA", self._sha))
        except RedisUnavailable as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            return self._client.execute_all(commands("EVAL", self._source))


class RedisNode:
    """One node: its pool of connections, each used for one round trip at a time."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def call(self, *parts: Part) -> Reply:
        """Return the reply to one command; RedisUnavailable when there is none."""
        from redis.exceptions import RedisError

        try:
            (reply,) = self.exchange(parts)
        except RedisError as error:
            raise RedisUnavailable(type(error).__name__) from error
        return reply

    def exchange(self, *commands: Command) -> list[Reply]:
        """Return the replies to commands in one round trip; raises the first error reply after all have been read."""
        connection = self._pool.get_connection()
        try:
            single = len(commands) == 1
            packed = connection.pack_command(*commands[0]) if single else connection.pack_commands(commands)
            connection.send_packed_command(packed, check_health=False)
            return _read(connection, len(commands))
        finally:
            self._pool.release(connection)

    def disconnect(self) -> None:
        """Close the connections; the next command resolves the host name again."""
        self._pool.disconnect()


def _read(connection: Any, replies: int) -> list[Reply]:
    from redis.exceptions import ResponseError

    found: list[Reply] = []
    error: ResponseError | None = None
    for _ in range(replies):
        try:
            reply = connection.read_response(disable_decoding=True)
        except ResponseError as refused:
            error = error or refused
            continue
        if isinstance(reply, list):
            # EXEC replies with the errors of single commands among the replies.
            error = error or next((part for part in reply if isinstance(part, ResponseError)), None)
        found.append(reply)
    if error is not None:
        raise error
    return found


def connection_settings(settings: RedisSettings, credentials: CredentialProvider | None) -> Mapping[str, Any]:
    """Return redis-py's keyword arguments for every connection."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_timeout": settings.timeout_s,
        "socket_connect_timeout": settings.connect_timeout_s,
        # Repeating is decided above, where it is known whether a command may run twice.
        "retry": Retry(NoBackoff(), 0),
        # Version 2 of the protocol needs no HELLO, and no driver information: a new connection costs no round trip.
        "protocol": 2,
        "driver_info": None,
        **({"credential_provider": credentials} if credentials else {}),
        **({"ssl_ca_certs": settings.ca_file} if settings.ca_file and settings.url.startswith("rediss:") else {}),
    }
