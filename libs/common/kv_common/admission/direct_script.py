"""A Lua script's calls on redis-py's connections, without what its client does around every command.

The client takes a connection from its pool and looks whether it can be read, encodes and parses in general, times and
counts what it does and holds itself ready to repeat it: most of what a script call costs us. Connections, with all that
opens them (TLS, passwords, time-outs) and all exceptions, are redis-py's.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING

from redis.exceptions import NoScriptError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Connection, Redis


class DirectScript:
    """Runs a script whose answer is one string; raises redis-py's exceptions. Threads may share it.

    It keeps as many connections as calls are under way at once. The pool knows them, so whoever disconnects the pool
    disconnects them too. One that died while it was kept fails the call that comes next, and is opened anew by the one
    after it.
    """

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis = redis
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # the name Redis has for it
        self._idle: deque[Connection] = deque()

    def __call__(self, keys: Sequence[str], arguments: Sequence[str | int]) -> bytes:
        """Return what the script answers."""
        request = _encoded("EVALSHA", self._sha, len(keys), *keys, *arguments)
        try:
            return self._ask(request)
        except NoScriptError:
            # A server that is new, or was told to forget its scripts.
            self._redis.script_load(self._text)
            return self._ask(request)

    def _ask(self, request: bytes) -> bytes:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._redis.connection_pool.get_connection()
        try:
            connection.send_packed_command([request], check_health=False)  # type: ignore[no-untyped-call]
            answer: bytes = connection.read_response(disable_decoding=True)
        except ResponseError:
            raise
        except BaseException:
            # An answer may still be on its way: the next request must not take it for its own.
            connection.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            self._idle.append(connection)
        return answer


def _encoded(*parts: str | int) -> bytes:
    """Return a command in Redis' protocol: an array of strings."""
    texts = [str(part).encode() for part in parts]
    return b"*%d\r\n" % len(texts) + b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])
