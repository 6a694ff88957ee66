"""Deleting an account: access ends at once, and all data is removed soon after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.support.function_logs import function_logs
from tests.support.leftovers import items_containing, left_in_auth, tables_of
from tests.support.tenant import PASSWORD, SIGN_UP_CODE, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant


def delete(tenant: Tenant) -> None:
    response = tenant.http.delete("/v1/auth/me", headers=tenant.bearer)
    assert (response.status_code, response.json()) == (202, {"status": "deleting"})


def await_gone(local: LocalEnvironment, tenant: Tenant) -> None:
    await_value(lambda: not left_in_auth(local, tenant), within=30)


def test_deleted_account_leaves_no_data(local: LocalEnvironment, tenant: Tenant) -> None:
    kept, rotated, revoked = (tenant.new_key()["id"] for _ in range(3))
    path = f"/v1/api-keys/{rotated}/rotate"
    assert tenant.http.post(path, json={"grace_seconds": 60}, headers=tenant.bearer).status_code == 201
    assert tenant.http.patch(f"/v1/api-keys/{kept}", json={"name": "x"}, headers=tenant.bearer).status_code == 200
    assert tenant.http.delete(f"/v1/api-keys/{revoked}", headers=tenant.bearer).status_code == 204
    # The profile, three keys as listed, three credentials, six events, and the user.
    assert len(left_in_auth(local, tenant)) == 14

    delete(tenant)

    await_gone(local, tenant)
    lines = [line for line in function_logs(local) if f"{tenant.account_id}#deleted" in line]
    assert sum('"published"' in line for line in lines) == 1


def test_deletion_leaves_other_accounts_unchanged(local: LocalEnvironment, http: httpx.Client, tenant: Tenant) -> None:
    other = sign_up(local, http)
    key = other.new_key()
    before = items_containing(local, tables_of(local, "auth"), other.account_id)
    delete(tenant)
    await_gone(local, tenant)
    assert items_containing(local, tables_of(local, "auth"), other.account_id) == before
    assert http.get(f"/v1/api-keys/{key['id']}", headers=other.bearer).status_code == 200


def test_keys_of_a_deleted_account_are_rejected_within_ten_seconds(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    used, unused = tenant.key(), tenant.key()
    assert http.get("/v1/app/a", headers=used).status_code == 404

    delete(tenant)

    def statuses() -> set[int]:
        return {http.get("/v1/app/a", headers=key).status_code for key in (used, unused)}

    await_value(lambda: statuses() == {401}, within=10.5)


def test_session_of_a_deleted_account_cannot_read_or_create(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    key_id = tenant.new_key()["id"]
    credentials = {"email": tenant.email, "password": PASSWORD}
    delete(tenant)

    def refused() -> None:
        for method, path, body in (
            ("DELETE", "/v1/auth/me", None),
            ("GET", "/v1/auth/me", None),
            ("GET", "/v1/api-keys", None),
            ("GET", f"/v1/api-keys/{key_id}", None),
            ("POST", "/v1/api-keys", {}),
            ("PATCH", f"/v1/api-keys/{key_id}", {"name": "x"}),
            ("POST", f"/v1/api-keys/{key_id}/rotate", {"grace_seconds": 60}),
            ("DELETE", f"/v1/api-keys/{key_id}", None),
        ):
            response = http.request(method, path, json=body, headers=tenant.bearer)
            assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHORIZED"), (method, path)
        assert http.post("/v1/auth/login", json=credentials).status_code == 401

    # Both before and after the rest has been removed.
    refused()
    await_gone(local, tenant)
    refused()
    assert http.post("/v1/auth/refresh", json={"refresh_token": tenant.session["refresh_token"]}).status_code == 401
    assert left_in_auth(local, tenant) == []


def test_address_of_a_deleted_account_can_sign_up_again(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    delete(tenant)
    await_gone(local, tenant)
    credentials = {"email": tenant.email, "password": "another password"}

    assert http.post("/v1/auth/signup", json=credentials).status_code == 201
    confirmation = {"email": tenant.email, "code": SIGN_UP_CODE}
    assert http.post("/v1/auth/confirm", json=confirmation).status_code == 200
    token = http.post("/v1/auth/login", json=credentials).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}

    assert http.get("/v1/auth/me", headers=bearer).json()["user_id"] != tenant.account_id
    assert http.get("/v1/api-keys", headers=bearer).json() == {"api_keys": []}
    assert http.post("/v1/namespaces", json={"name": "app"}, headers=bearer).status_code == 201
    key = http.post("/v1/api-keys", json={}, headers=bearer).json()["key"]
    assert http.put("/v1/app/a", json={"value": 1}, headers={"x-api-key": key}).status_code == 201
    # Nothing of the old account is left, events included.
    assert items_containing(local, tables_of(local, "auth"), tenant.account_id) == []


def test_keys_created_during_deletion_give_no_access(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    tenant.namespace("app")
    made: list[dict[str, str]] = []

    def make_keys(_: int) -> None:
        """Create, change, rotate and revoke keys until the session is rejected."""
        while True:
            response = http.post("/v1/api-keys", json={}, headers=tenant.bearer)
            if response.status_code == 401:
                return
            assert response.status_code == 201, response.text
            made.append({"x-api-key": response.json()["key"]})
            path = f"/v1/api-keys/{response.json()['id']}"
            http.patch(path, json={"name": "changed"}, headers=tenant.bearer)
            rotated = http.post(f"{path}/rotate", json={"grace_seconds": 60}, headers=tenant.bearer)
            if rotated.status_code == 201:
                made.append({"x-api-key": rotated.json()["key"]})
            http.delete(path, headers=tenant.bearer)

    with ThreadPoolExecutor(6) as pool:
        makers = [pool.submit(make_keys, number) for number in range(5)]
        await_value(lambda: len(made) >= 10, within=20)
        pool.submit(delete, tenant).result()
        for maker in makers:
            maker.result()

    await_gone(local, tenant)
    await_value(lambda: {http.get("/v1/app/a", headers=key).status_code for key in made} == {401}, within=12)
    assert left_in_auth(local, tenant) == []
