"""Responses to eight concurrent clients over HTTP are linearizable."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.contention import HttpStore, StaleReads, contend
from tests.support.linearizability import find_violation
from tests.support.sequential_spec import step

if TYPE_CHECKING:
    import httpx

    from tests.support.contention import Histories
    from tests.support.tenant import Tenant

CLIENTS = 8
CALLS = 2_000
KEYS = ("count-1", "document-1", "count-2", "document-2")


@pytest.fixture
def store(http: httpx.Client, tenant: Tenant) -> HttpStore:
    return HttpStore(http, tenant.namespace("app"), tenant.key())


def outcomes(histories: Histories) -> Counter[tuple[str, int | None]]:
    return Counter(
        (call.request.kind, call.response.status if call.response else None)
        for calls in histories.values()
        for call in calls
    )


def test_concurrent_conditional_writes_are_linearizable(store: HttpStore, scale: int) -> None:
    histories = contend(store, clients=CLIENTS, calls=CALLS * scale, keys=KEYS, seed=1)

    for key, calls in histories.items():
        violation = find_violation(calls, None, step)
        assert violation is None, f"{key}: {violation}"
    found = outcomes(histories)
    assert found.total() == CALLS * scale
    # There was contention: preconditions succeeded and failed for each kind of write.
    assert all(found[kind, status] > 10 for kind in ("put", "patch", "increment") for status in (200, 412)), found
    unknown = sum(count for (_, status), count in found.items() if status is None)
    assert unknown <= CALLS * scale / 100, found


def test_stale_reads_are_detected(store: HttpStore) -> None:
    """A control: the same clients on a store that sometimes returns an old value of one key."""
    lying = StaleReads(store, key="document-1", every=20)

    histories = contend(lying, clients=CLIENTS, calls=CALLS // 4, keys=KEYS, seed=1)

    assert lying.lies > 0
    assert [key for key in KEYS if find_violation(histories[key], None, step)] == ["document-1"]
