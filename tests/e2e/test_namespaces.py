"""Namespaces over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from tests.support.tenant import Tenant


def create(http: httpx.Client, tenant: Tenant, name: object) -> httpx.Response:
    return http.post("/v1/namespaces", json={"name": name}, headers=tenant.bearer)


def test_namespace_is_created_listed_and_published(http: httpx.Client, tenant: Tenant) -> None:
    assert http.get("/v1/namespaces", headers=tenant.bearer).json() == {"namespaces": []}
    second, first = create(http, tenant, "b").json(), create(http, tenant, "a").json()
    assert (first["name"], first["status"], sorted(first)) == (
        "a",
        "active",
        ["bytes", "created_at", "keys", "name", "status"],
    )
    assert http.get("/v1/namespaces", headers=tenant.bearer).json() == {"namespaces": [first, second]}
    assert http.get("/v1/namespaces/a", headers=tenant.bearer).json() == first
    assert http.get("/v1/namespaces/c", headers=tenant.bearer).status_code == 404


def test_one_of_many_concurrent_creations_of_a_namespace_succeeds(http: httpx.Client, tenant: Tenant) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: create(http, tenant, "app").status_code, range(8)))
    assert sorted(statuses) == [201] + [409] * 7


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a_b", "a" * 51, "a\n", "é", "auth", "usage", "namespaces", 1])
def test_invalid_namespace_name_is_a_400(http: httpx.Client, tenant: Tenant, name: object) -> None:
    response = create(http, tenant, name)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("name", ["a", "a" * 50, "my-app-2", "authors"])
def test_such_names_are_fine(http: httpx.Client, tenant: Tenant, name: str) -> None:
    assert create(http, tenant, name).status_code == 201


def test_account_is_limited_to_a_hundred_namespaces_and_deletion_frees_one(http: httpx.Client, tenant: Tenant) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda n: create(http, tenant, f"n-{n}").status_code, range(100)))
    assert set(statuses) == {201}
    refused = create(http, tenant, "one-more")
    assert (refused.status_code, refused.json()["error"]["details"]["reason"]) == (409, "too_many_namespaces")
    assert http.delete("/v1/namespaces/n-7", headers=tenant.bearer).status_code == 202
    assert create(http, tenant, "one-more").status_code == 201
    active = [
        one
        for one in http.get("/v1/namespaces", headers=tenant.bearer).json()["namespaces"]
        if one["status"] == "active"
    ]
    assert len(active) == 100


def put(http: httpx.Client, headers: dict[str, str], path: str, value: str = "1") -> None:
    assert http.put(path, content=f'{{"value": {value}}}'.encode(), headers=headers).status_code in (200, 201)


def held(http: httpx.Client, tenant: Tenant, name: str) -> tuple[int, int]:
    """Return the reported numbers of keys and bytes of a namespace."""
    namespace = http.get(f"/v1/namespaces/{name}", headers=tenant.bearer).json()
    return namespace["keys"], namespace["bytes"]


def test_namespace_reports_its_keys_and_bytes_without_listing(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    for number in range(10):
        put(http, headers, f"/v1/app/k{number}", '"12345678"')
    put(http, headers, "/v1/app/k0", '"1"')
    assert http.delete("/v1/app/k1", headers=headers).status_code == 204
    await_value(lambda: held(http, tenant, "app") == (9, 9 * 2 + 8 * 10 + 3), within=10)


def test_deleting_a_namespace_deletes_its_values_and_reports_progress(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    for number in range(60):
        put(http, headers, f"/v1/app/{number}")
    response = http.delete("/v1/namespaces/app", headers=tenant.bearer)
    assert (response.status_code, response.json()) == (202, {"name": "app", "status": "deleting"})
    # It is closed at once and removed later; deleting it again meanwhile has the same response.
    assert http.get("/v1/app/1", headers=headers).status_code == 404
    assert http.delete("/v1/namespaces/app", headers=tenant.bearer).status_code in (202, 404)
    await_value(lambda: http.get("/v1/namespaces/app", headers=tenant.bearer).status_code == 404, within=20)
    assert http.get("/v1/namespaces", headers=tenant.bearer).json() == {"namespaces": []}


def test_deleted_name_can_be_reused_at_once(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    put(http, headers, "/v1/app/old")
    assert http.delete("/v1/namespaces/app", headers=tenant.bearer).status_code == 202
    tenant.namespace("app")
    assert http.get("/v1/app/old", headers=headers).status_code == 404
    put(http, headers, "/v1/app/new")
    await_value(lambda: held(http, tenant, "app") == (1, 4), within=10)
    assert http.get("/v1/app/new", headers=headers).json() == {"value": 1}
