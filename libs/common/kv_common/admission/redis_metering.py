"""The meter that admission keeps in Redis, as whoever tells what was used reads and settles it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Self, cast

from kv_common.admission.metering import MeterAck, MeterSnapshot
from kv_common.admission.redis import CONNECT_TIMEOUT_S, ask, script
from kv_common.admission.redis_calls import RedisCalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kv_common.admission.redis_calls import Reply

_SCAN_COUNT = 1_000


class RedisMeterStore:
    """Reads and settles meters; every method raises AdmissionUnavailable when Redis does not do its part.

    All of it may be done twice, and is where the connection was lost.
    """

    def __init__(self, calls: RedisCalls) -> None:
        self._calls = calls
        self._settle = calls.script(script("meter.lua"))

    @classmethod
    def at(cls, url: str, *, timeout_s: float) -> Self:
        """Return the meters in the Redis of that address; ValueError when it is none."""
        return cls(RedisCalls(url, connect_timeout_s=CONNECT_TIMEOUT_S, timeout_s=timeout_s))

    def now_s(self) -> int:
        """Return the time by the clock that minutes are counted by, in seconds since 1970."""
        seconds, _ = cast("list[bytes]", ask(self._calls, lambda: self._calls.call("TIME")))
        return int(seconds)

    def readings(self, at_once: int) -> Iterator[list[MeterSnapshot]]:
        """Yield every account that has a meter, once, `at_once` accounts per trip."""
        accounts = self._accounts()
        while some := list(islice(accounts, at_once)):
            yield self._read(some)

    def settle(self, settled: Sequence[MeterAck]) -> None:
        """Note what has been told, in one trip."""
        if settled:
            noted = [([f"{{{one.account_id}}}:meter"], _arguments(one)) for one in settled]
            ask(self._calls, lambda: self._settle.each(noted))

    def _accounts(self) -> Iterator[str]:
        seen: set[str] = set()
        cursor = "0"
        while True:
            cursor, keys = self._scan(cursor)
            for key in keys:
                account_id = key.split("}", 1)[0].removeprefix("{")
                # While the server makes room for more keys, a scan names some of them twice.
                if account_id not in seen:
                    seen.add(account_id)
                    yield account_id
            if cursor == "0":
                return

    def _scan(self, cursor: str) -> tuple[str, list[str]]:
        """Return some keys of meters, and from where to go on, "0" at the end."""
        command = ("SCAN", cursor, "MATCH", "{*}:meter", "COUNT", _SCAN_COUNT, "TYPE", "hash")
        after, keys = cast("tuple[bytes, list[bytes]]", ask(self._calls, lambda: self._calls.call(*command)))
        return after.decode(), [key.decode() for key in keys]

    def _read(self, accounts: Sequence[str]) -> list[MeterSnapshot]:
        commands = [("HGETALL", f"{{{account_id}}}:{name}") for account_id in accounts for name in ("meter", "quota")]
        answers = iter(ask(self._calls, lambda: self._calls.together(*commands)))
        return [MeterSnapshot(account_id, _hash(next(answers)), _hash(next(answers))) for account_id in accounts]


def _hash(reply: Reply) -> dict[str, str]:
    """Return a hash from its fields and values by turns."""
    texts = [text.decode() for text in cast("list[bytes]", reply)]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _arguments(settled: MeterAck) -> list[str | int]:
    arguments: list[str | int] = [settled.epoch, len(settled.minutes)]
    for minute, changes in settled.minutes.items():
        arguments += [minute, changes, "1" if minute in settled.forget else "0"]
    for key_id, minute in settled.keys.items():
        arguments += [key_id, minute]
    for key_id in settled.forget_keys:
        arguments += [key_id, ""]
    return arguments
