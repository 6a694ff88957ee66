"""How many admissions a Redis decides in a second, beside how many PINGs the same clients get answered.

Twice: through `RedisAdmission`, as the service asks, beside the PINGs of redis-py; and on bare sockets with
requests that were encoded before, where the client costs next to nothing and the server's part shows. Fifty clients are
fifty connections of one thread that has a request under way on each. Admissions and PINGs alternate; a ratio is the
median over the rounds.
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

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bench.hot_path import redis
from bench.results import Admission, Decisions
from kv_common.admission import AdmissionData, AdmissionRequest, KeyRecord, Limits, Usage
from kv_common.admission.redis import RedisAdmission
from kv_common.admission.redis_calls import Connection
from kv_common.api_keys import KeyStatus, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ACCOUNTS = (1, 100, 10_000)
_CLIENTS = (1, 50)
_LIMITS = Limits("business", 1_000_000, 1_000_000, 10**12, 10**15)
_KEY = KeyRecord("key_000000000001", KeyStatus.ACTIVE, frozenset(Scope), ("*",), 0)
_PING = b"*1\r\n$4\r\nPING\r\n"


def measure(*, quick: bool) -> Admission:
    """Measure both ways, over few and over many accounts."""
    turns, seconds = (5, 0.1) if quick else (31, 0.1)
    with redis() as (url, admin), _pinned(int(admin.info("server")["process_id"])):
        tickets = [_ticket() for _ in range(max(_ACCOUNTS))]
        limiter = RedisAdmission.at(url, timeout_s=5)
        with Redis.from_url(url, retry=Retry(NoBackoff(), 0), decode_responses=True) as usual:
            service = [
                _through_the_limiter(limiter, usual, admin, tickets[:accounts], turns, seconds)
                for accounts in _ACCOUNTS
            ]
        requests = _as_sent(limiter, tickets)
        admin.config_resetstat()
        sockets = [
            _on_sockets(url, clients, requests[:accounts], turns, seconds)
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
    """Give the server and us a processor each, where that can be done: sharing one or not changes everything."""
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


def _ticket() -> AdmissionRequest:
    account_id = str(uuid.uuid4())
    digest = hashlib.sha256(account_id.encode()).hexdigest()
    return AdmissionRequest(account_id, digest, frozenset({Scope.READ}), "app", "get", cost=1, bytes_in=0)


def _facts(ticket: AdmissionRequest) -> AdmissionData:
    return AdmissionData(_KEY, _LIMITS, hashlib.sha256(ticket.account_id.encode()).hexdigest()[:12], Usage("", 0, 0))


def _teach(limiter: RedisAdmission, admin: Redis, tickets: Sequence[AdmissionRequest]) -> None:
    """Let Redis know the accounts, for longer than the measurement takes."""
    for ticket in tickets:
        limiter.decide(ticket, _facts(ticket))
        admin.persist(f"{{{ticket.account_id}}}:key:{ticket.digest}")
        admin.persist(f"{{{ticket.account_id}}}:limits")


def _through_the_limiter(
    limiter: RedisAdmission, usual: Redis, admin: Redis, tickets: Sequence[AdmissionRequest], turns: int, seconds: float
) -> Decisions:
    _teach(limiter, admin, tickets)
    numbers = _Counter(len(tickets))
    found = [
        (
            _rate(lambda: limiter.decide(tickets[numbers.next()]), seconds),
            _rate(usual.ping, seconds),
        )
        for _ in range(turns)
    ]
    return _decisions(1, len(tickets), found)


def _on_sockets(url: str, clients: int, requests: Sequence[bytes], turns: int, seconds: float) -> Decisions:
    host, _, port = url.removeprefix("redis://").removesuffix("/0").partition(":")
    connections = [socket.create_connection((host, int(port))) for _ in range(clients)]
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    numbers = _Counter(len(requests))

    def ask(request: Callable[[], bytes]) -> None:
        for connection in connections:
            connection.sendall(request())
        for connection in connections:
            connection.recv(4_096)

    try:
        found = [
            (
                clients * _rate(lambda: ask(lambda: requests[numbers.next()]), seconds),
                clients * _rate(lambda: ask(lambda: _PING), seconds),
            )
            for _ in range(turns)
        ]
    finally:
        for connection in connections:
            connection.close()
    return _decisions(clients, len(requests), found)


class _Counter:
    """Counts up to a number, again and again."""

    def __init__(self, end: int) -> None:
        self._end, self._number = end, 0

    def next(self) -> int:
        """Return the number after the last."""
        self._number = (self._number + 1) % self._end
        return self._number


def _rate(call: Callable[[], object], seconds: float) -> float:
    """Return how many calls a second there were."""
    calls, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        call()
        calls += 1
    return calls / passed


def _decisions(clients: int, accounts: int, found: Sequence[tuple[float, float]]) -> Decisions:
    return Decisions(
        clients=clients,
        accounts=accounts,
        decisions_per_s=round(statistics.median(decided for decided, _ in found)),
        pings_per_s=round(statistics.median(pinged for _, pinged in found)),
        ratio=round(statistics.median(decided / pinged for decided, pinged in found), 3),
    )


def _as_sent(limiter: RedisAdmission, tickets: Sequence[AdmissionRequest]) -> list[bytes]:
    """Return what the limiter sends for each ticket."""
    sent: list[bytes] = []
    exchange = Connection.exchange

    def noted(self: Connection, request: bytes, replies: int) -> Any:
        sent.append(request)
        return exchange(self, request, replies)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Connection, "exchange", noted)
        for ticket in tickets:
            limiter.decide(ticket)
    return sent


def _plain_get_us(admin: Redis) -> float:
    """Return what a GET of a small value takes on the server."""
    admin.set("plain", "x")
    for _ in range(2_000):
        admin.get("plain")
    found: dict[str, Any] = admin.info("commandstats")
    return float(found["cmdstat_get"]["usec_per_call"])
