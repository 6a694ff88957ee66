"""Every served request is counted exactly once in its account's usage, by namespace and operation."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tenant import client, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

REQUESTS = 10_000
CLIENTS = 8
WITHIN_S = 90

Counts = Counter[tuple[str, str, str]]
"""Requests by account, namespace and operation, as the clients counted them."""


@pytest.fixture(scope="module")
def homes(local: LocalEnvironment, http: httpx.Client) -> list[tuple[Tenant, str, dict[str, str]]]:
    """Three accounts with four namespaces in all, and a key for each."""
    tenants = [sign_up(local, http, plan="business") for _ in range(3)]
    places = [(tenants[0], "app"), (tenants[1], "app"), (tenants[1], "logs"), (tenants[2], "app")]
    return [(tenant, tenant.namespace(name), tenant.key()) for tenant, name in places]


def send(http: httpx.Client, home: tuple[Tenant, str, dict[str, str]], chance: random.Random) -> tuple[str, str, str]:
    """Send one request of some kind; return what it counts as, with "" for a namespace there is none of."""
    tenant, namespace, headers = home
    key = f"k{chance.randrange(50)}"
    kind = chance.choices(["get", "put", "delete", "list", "head", "nowhere"], [50, 25, 8, 8, 6, 3])[0]
    path = f"/v1/{namespace}/{key}"
    if kind == "put":
        response = http.put(path, content=b'{"value": ' + b"1" * chance.randrange(1, 200) + b"}", headers=headers)
    elif kind == "list":
        response = http.get(f"/v1/{namespace}?limit=5", headers=headers)
    elif kind == "nowhere":
        response = http.get(f"/v1/nowhere/{key}", headers=headers)
    else:
        response = http.request(kind.upper(), path, headers=headers)
    assert response.status_code in (200, 201, 204, 404), response.text
    operation = "get" if kind in ("head", "nowhere") else kind
    return tenant.account_id, "" if kind == "nowhere" else namespace, operation


def hammer(local: LocalEnvironment, homes: list[tuple[Tenant, str, dict[str, str]]], seed: int, count: int) -> Counts:
    chance = random.Random(seed)
    counts: Counts = Counter()
    with client(local) as http:
        for _ in range(count):
            counts[send(http, chance.choice(homes), chance)] += 1
    return counts


def used(tenant: Tenant) -> dict[str, int]:
    """Return the month's requests by operation, over all of the account."""
    month: dict[str, Any] = tenant.http.get("/v1/usage", headers=tenant.bearer).json()
    operations: dict[str, int] = month["requests"]["by_operation"]
    assert sum(operations.values()) == month["requests"]["used"]
    return operations


def used_in(tenant: Tenant, namespace: str) -> dict[str, int]:
    """Return what the history of the last days says of one namespace."""
    response = tenant.http.get(f"/v1/usage/history?namespace={namespace}", headers=tenant.bearer)
    if response.status_code == 404:
        return {}
    total: Counter[str] = Counter()
    for bucket in response.json()["history"]:
        total.update(bucket["by_operation"])
    return dict(total)


def test_usage_is_what_the_clients_counted(
    local: LocalEnvironment, homes: list[tuple[Tenant, str, dict[str, str]]]
) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        parts = pool.map(lambda seed: hammer(local, homes, seed, REQUESTS // CLIENTS), range(CLIENTS))
        counted = sum(parts, Counts())
    ended = time.monotonic()
    assert counted.total() == REQUESTS

    tenants = {tenant.account_id: tenant for tenant, _, _ in homes}

    def by_account(account_id: str) -> dict[str, int]:
        operations: Counter[str] = Counter()
        for (owner, _, operation), count in counted.items():
            if owner == account_id:
                operations[operation] += count
        return dict(operations)

    for account_id, tenant in tenants.items():
        await_value(lambda: used(tenant) == by_account(account_id), within=WITHIN_S, pause=0.5)  # noqa: B023
    print(f"\n{REQUESTS} requests were in the usage {time.monotonic() - ended:.1f} s after the last", end="")
    for tenant, namespace, _ in homes:
        expected = {
            operation: count
            for (owner, name, operation), count in counted.items()
            if (owner, name) == (tenant.account_id, namespace)
        }
        assert used_in(tenant, namespace) == expected
    assert time.monotonic() - ended < WITHIN_S
    # And what is stored, to the byte.
    for tenant, namespace, headers in homes:
        page = tenant.http.get(f"/v1/{namespace}?limit=1000", headers=headers).json()["keys"]
        stored = (len(page), sum(len(one["key"]) + one["size"] for one in page))

        def held() -> tuple[int, int]:
            shown = tenant.http.get(f"/v1/namespaces/{namespace}", headers=tenant.bearer).json()  # noqa: B023
            return shown["keys"], shown["bytes"]

        await_value(lambda: held() == stored, within=10)  # noqa: B023
