"""The meter that admission keeps in Redis, as whoever tells what was used reads and settles it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from kv_common.admission.meter import Reading, Settled
from kv_common.admission.redis_limiter import CONNECT_TIMEOUT_S, LimiterUnavailable, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SCAN_COUNT = 1_000


class RedisMeter:
    """Reads and settles meters; every method raises LimiterUnavailable when Redis does not do its part."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        # It loads itself again when the server has forgotten it.
        self._settle = redis.register_script(script("meter.lua"))

    @classmethod
    def at(cls, url: str, *, timeout_s: float) -> Self:
        """Return the meter in the Redis of that address; redis-py's own time-outs would hold it for up to a minute."""
        return cls(
            Redis.from_url(
                url,
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=timeout_s,
                socket_keepalive=True,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
        )

    def now_s(self) -> int:
        """Return the time by the clock that minutes are counted by, in seconds since 1970."""
        try:
            return int(self._redis.time()[0])
        except RedisError as error:
            raise LimiterUnavailable(str(error)) from error

    def readings(self, at_once: int) -> Iterator[list[Reading]]:
        """Yield every account that has a meter, once, `at_once` accounts per trip."""
        try:
            accounts = self._accounts()
            while some := list(islice(accounts, at_once)):
                yield self._read(some)
        except RedisError as error:
            raise LimiterUnavailable(str(error)) from error

    def _accounts(self) -> Iterator[str]:
        seen: set[str] = set()
        for key in self._redis.scan_iter(match="{*}:meter", count=_SCAN_COUNT, _type="hash"):
            account_id = str(key).split("}", 1)[0].removeprefix("{")
            # While the server makes room for more keys, a scan names some of them twice.
            if account_id not in seen:
                seen.add(account_id)
                yield account_id

    def settle(self, settled: Sequence[Settled]) -> None:
        """Note what has been told, in one trip."""
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for one in settled:
                    self._settle(keys=[f"{{{one.account_id}}}:meter"], args=_arguments(one), client=pipeline)
                pipeline.execute()
        except RedisError as error:
            raise LimiterUnavailable(str(error)) from error

    def _read(self, accounts: Sequence[str]) -> list[Reading]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for account_id in accounts:
                pipeline.hgetall(f"{{{account_id}}}:meter")
                pipeline.hgetall(f"{{{account_id}}}:quota")
            answers = pipeline.execute()
        return [
            Reading(account_id, answers[2 * index], answers[2 * index + 1]) for index, account_id in enumerate(accounts)
        ]


def _arguments(settled: Settled) -> list[str | int]:
    arguments: list[str | int] = [settled.epoch, len(settled.minutes)]
    for minute, changes in settled.minutes.items():
        arguments += [minute, changes, "1" if minute in settled.forget else "0"]
    for key_id, minute in settled.keys.items():
        arguments += [key_id, minute]
    for key_id in settled.forget_keys:
        arguments += [key_id, ""]
    return arguments
