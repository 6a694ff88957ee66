"""Admissions per second of one Redis, compared with PINGs by the same clients.

Measured twice: through `RedisAdmission`, as in the service, compared with PINGs of redis-py; and on plain sockets with
requests that were encoded before, which shows the cost of the server. Fifty clients are fifty connections of one thread
with one request in flight on each. Admissions and PINGs alternate; a ratio is the median of the rounds.
"""

from __future__ import annotations

import hashlib
import os
import socket
import statistics
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import hiredis
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bench.hot_path import redis
from bench.results import Admission, Decisions
from kv_common.admission import AdmissionData, AdmissionRequest, KeyRecord, Limits, Usage
from kv_common.admission.redis import RedisAdmission
from kv_common.api_keys import KeyStatus, Scope
from kv_common.redis.client import Command, RedisNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ACCOUNTS = (1, 100, 10_000)
_CLIENTS = (1, 50)
_LIMITS = Limits("business", 1_000_000, 1_000_000, 10**12, 10**15)
_KEY = KeyRecord("key_000000000001", KeyStatus.ACTIVE, frozenset(Scope), ("*",), 0)
_PING = b"*1\r\n$4\r\nPING\r\n"


def measure(*, quick: bool) -> Admission:
    """Measure through the limiter and on sockets, for few and many accounts."""
    rounds, seconds = (5, 0.1) if quick else (31, 0.1)
    with redis() as (url, admin), _pinned(int(admin.info("server")["process_id"])):
        admissions = [_request() for _ in range(max(_ACCOUNTS))]
        limiter = RedisAdmission.at(url, timeout_s=5)
        with Redis.from_url(url, retry=Retry(NoBackoff(), 0), decode_responses=True) as redis_py:
            service = [
                _through_limiter(limiter, redis_py, admin, admissions[:accounts], rounds, seconds)
                for accounts in _ACCOUNTS
            ]
        encoded = _encoded(limiter, admissions)
        admin.config_resetstat()
        sockets = [
            _on_sockets(url, clients, encoded[:accounts], rounds, seconds)
            for clients in _CLIENTS
            for accounts in _ACCOUNTS
        ]
        statistics_of: dict[str, Any] = admin.info("commandstats")
        script_us, get_us = statistics_of["cmdstat_evalsha"]["usec_per_call"], _plain_get_us(admin)
    return Admission(
        service=service, sockets=sockets, script_us=round(script_us, 2), ecpu=round(max(1.0, script_us / get_us), 1)
    )


@contextmanager
def _pinned(server: int) -> Iterator[None]:
    """Pin the server and this process to a processor each, if possible: sharing one changes the result."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        yield
        return
    os.sched_setaffinity(0, cores[:1])
    os.sched_setaffinity(server, cores[1:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _request() -> AdmissionRequest:
    account_id = str(uuid.uuid4())
    digest = hashlib.sha256(account_id.encode()).hexdigest()
    return AdmissionRequest(account_id, digest, frozenset({Scope.READ}), "app", "get", cost=1, bytes_in=0)


def _data(request: AdmissionRequest) -> AdmissionData:
    return AdmissionData(_KEY, _LIMITS, hashlib.sha256(request.account_id.encode()).hexdigest()[:12], Usage("", 0, 0))


def _store_accounts(limiter: RedisAdmission, admin: Redis, admissions: Sequence[AdmissionRequest]) -> None:
    """Store the accounts in Redis without expiry."""
    for request in admissions:
        limiter.decide(request, _data(request))
        admin.persist(f"{{{request.account_id}}}:key:{request.digest}")
        admin.persist(f"{{{request.account_id}}}:limits")


def _through_limiter(
    limiter: RedisAdmission,
    redis_py: Redis,
    admin: Redis,
    admissions: Sequence[AdmissionRequest],
    rounds: int,
    seconds: float,
) -> Decisions:
    _store_accounts(limiter, admin, admissions)
    numbers = _Counter(len(admissions))
    rates = [
        (
            _rate(lambda: limiter.decide(admissions[numbers.next()]), seconds),
            _rate(redis_py.ping, seconds),
        )
        for _ in range(rounds)
    ]
    return _decisions(1, len(admissions), rates)


def _on_sockets(url: str, clients: int, requests: Sequence[bytes], rounds: int, seconds: float) -> Decisions:
    host, _, port = url.removeprefix("redis://").removesuffix("/0").partition(":")
    connections = [socket.create_connection((host, int(port))) for _ in range(clients)]
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    numbers = _Counter(len(requests))

    def send(request: Callable[[], bytes]) -> None:
        for connection in connections:
            connection.sendall(request())
        for connection in connections:
            connection.recv(4_096)

    try:
        rates = [
            (
                clients * _rate(lambda: send(lambda: requests[numbers.next()]), seconds),
                clients * _rate(lambda: send(lambda: _PING), seconds),
            )
            for _ in range(rounds)
        ]
    finally:
        for connection in connections:
            connection.close()
    return _decisions(clients, len(requests), rates)


class _Counter:
    """Counts to a number repeatedly."""

    def __init__(self, end: int) -> None:
        self._end, self._number = end, 0

    def next(self) -> int:
        """Return the next number."""
        self._number = (self._number + 1) % self._end
        return self._number


def _rate(call: Callable[[], object], seconds: float) -> float:
    """Return the number of calls per second."""
    calls, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        call()
        calls += 1
    return calls / passed


def _decisions(clients: int, accounts: int, rates: Sequence[tuple[float, float]]) -> Decisions:
    return Decisions(
        clients=clients,
        accounts=accounts,
        decisions_per_s=round(statistics.median(decided for decided, _ in rates)),
        pings_per_s=round(statistics.median(pinged for _, pinged in rates)),
        ratio=round(statistics.median(decided / pinged for decided, pinged in rates), 3),
    )


def _encoded(limiter: RedisAdmission, admissions: Sequence[AdmissionRequest]) -> list[bytes]:
    """Return the bytes that the limiter sends for each request."""
    sent: list[bytes] = []
    exchange = RedisNode.exchange

    def record(self: RedisNode, *commands: Command) -> Any:
        sent.append(hiredis.pack_command(tuple[Any, ...](commands[0])))
        return exchange(self, *commands)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RedisNode, "exchange", record)
        for request in admissions:
            limiter.decide(request)
    return sent


def _plain_get_us(admin: Redis) -> float:
    """Return the server's time for a GET of a small value, in microseconds."""
    admin.set("plain", "x")
    for _ in range(2_000):
        admin.get("plain")
    stats: dict[str, Any] = admin.info("commandstats")
    return float(stats["cmdstat_get"]["usec_per_call"])
