"""Redis stopped, hung and restarted empty under load, with the deployed functions."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Self

import pytest

from kv_common import api_keys
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant


class Load:
    """Clients that write, read and try to get in without a key, until told to stop."""

    def __init__(self, http: httpx.Client, key: dict[str, str], account_id: str) -> None:
        self._http = http
        self._key = key
        self._forged = {"x-api-key": api_keys.generate(account_id, secrets.randbits).text}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(4)]
        self.valid: list[int] = []
        self.forged: list[int] = []
        self.lost: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def served(self, more: int) -> None:
        """Wait until `more` requests with a valid key have been answered."""
        wanted = len(self.valid) + more
        await_value(lambda: len(self.valid) >= wanted, within=30)

    def _run(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            path = f"/v1/app/client-{client}"
            put = self._http.put(path, content=f'{{"value": {number}}}'.encode(), headers=self._key)
            get = self._http.get(path, headers=self._key)
            self.valid += [put.status_code, get.status_code]
            if put.status_code in (200, 201) and get.json() != {"value": number}:
                self.lost.append(path)
            self.forged.append(self._http.get(path, headers=self._forged).status_code)


@pytest.fixture
def load(local: LocalEnvironment, http: httpx.Client, tenant: Tenant) -> Iterator[Load]:
    tenant.namespace("app")
    with Load(http, tenant.key(), tenant.account_id) as load:
        load.served(20)
        yield load
    if local.redis.process is None:
        local.redis.start()


def stop(local: LocalEnvironment) -> Callable[[], None]:
    local.redis.stop()
    return lambda: local.redis.start(empty=True)


def hang(local: LocalEnvironment) -> Callable[[], None]:
    local.redis.pause()
    return local.redis.resume


@pytest.mark.parametrize("break_redis", [stop, hang])
def test_redis_outage_causes_no_5xx_weakens_no_authentication_and_ends_in_five_seconds(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant, load: Load, break_redis: object
) -> None:
    assert callable(break_redis)
    mend = break_redis(local)
    load.served(200)
    mend()
    headers = tenant.key()

    def counts_again() -> bool:
        # Only Redis counts requests: while a process decides alone, the month's remainder stands still.
        left = [int(http.get("/v1/app/x", headers=headers).headers["X-Quota-Remaining"]) for _ in range(3)]
        return left[0] > left[1] > left[2]

    await_value(counts_again, within=5)
    load.served(50)
    assert set(load.valid) <= {200, 201}
    assert set(load.forged) == {401}
    assert load.lost == []
