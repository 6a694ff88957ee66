"""The meters in Redis, as the flusher reads and acknowledges them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Self, cast

from kv_common.admission.metering import MeterAck, MeterSnapshot
from kv_common.admission.redis import script
from kv_common.redis import RedisSettings, RedisUnavailable, connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kv_common.redis import RedisClient, Reply
    from kv_common.redis.client import RedisNode

_SCAN_COUNT = 1_000


class RedisMeterStore:
    """Reads and acknowledges meters; every method raises RedisUnavailable.

    Every method may be repeated: reads change nothing, and acknowledging twice is the same as once.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._acknowledge = client.script(script("meter.lua"))

    @classmethod
    def at(cls, url: str, *, timeout_s: float) -> Self:
        """Return the meters in one Redis node; ValueError for a malformed address."""
        return cls(connect(RedisSettings(url, timeout_s=timeout_s)))

    def now_s(self) -> int:
        """Return the time by the clock that minutes are counted by, in seconds since 1970."""
        seconds, _ = cast("list[bytes]", self._client.primaries()[0].call("TIME"))
        return int(seconds)

    def snapshots(self, page_size: int) -> Iterator[list[MeterSnapshot]]:
        """Yield every account that has a meter, once, in pages that take a round trip per node.

        A primary that does not answer is passed over, and raised at the end: the others' meters cannot wait for it.
        """
        failed: RedisUnavailable | None = None
        seen: set[str] = set()
        for node in self._client.primaries():
            try:
                accounts = _accounts(node, seen)
                while page := list(islice(accounts, page_size)):
                    yield self._read(page)
            except RedisUnavailable as error:
                failed = error
        if failed is not None:
            raise failed

    def acknowledge(self, acks: Sequence[MeterAck]) -> None:
        """Record what has been reported, in one round trip per node."""
        if acks:
            self._acknowledge.each([([f"{{{ack.account_id}}}:meter"], _arguments(ack)) for ack in acks])

    def _read(self, accounts: Sequence[str]) -> list[MeterSnapshot]:
        keys = [f"{{{account_id}}}:{name}" for account_id in accounts for name in ("meter", "quota")]
        replies = iter(self._client.execute_all([(key, ("HGETALL", key)) for key in keys]))
        return [MeterSnapshot(account_id, _hash(next(replies)), _hash(next(replies))) for account_id in accounts]


def _accounts(node: RedisNode, seen: set[str]) -> Iterator[str]:
    """Yield the accounts with a meter on one node that are not in `seen`, and add them to it."""
    cursor = "0"
    while True:
        reply = node.call("SCAN", cursor, "MATCH", "{*}:meter", "COUNT", _SCAN_COUNT, "TYPE", "hash")
        after, keys = cast("tuple[bytes, list[bytes]]", reply)
        for key in keys:
            account_id = key.decode().split("}", 1)[0].removeprefix("{")
            # SCAN may return a key twice, and a slot that moves is scanned on two nodes.
            if account_id not in seen:
                seen.add(account_id)
                yield account_id
        cursor = after.decode()
        if cursor == "0":
            return


def _hash(reply: Reply) -> dict[str, str]:
    """Return a hash from its alternating fields and values."""
    texts = [text.decode() for text in cast("list[bytes]", reply)]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _arguments(ack: MeterAck) -> list[str | int]:
    arguments: list[str | int] = [ack.epoch, len(ack.minutes)]
    for minute, changes in ack.minutes.items():
        arguments += [minute, changes, "1" if minute in ack.forget else "0"]
    for key_id, minute in ack.keys.items():
        arguments += [key_id, minute]
    for key_id in ack.forget_keys:
        arguments += [key_id, ""]
    return arguments
