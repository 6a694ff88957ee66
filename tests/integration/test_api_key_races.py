"""Concurrent changes of one key: none overwrites another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.tenant import Tenant


def patch(tenant: Tenant, key_id: str, body: dict[str, Any]) -> int:
    return tenant.http.patch(f"/v1/api-keys/{key_id}", json=body, headers=tenant.bearer).status_code


def test_concurrent_changes_of_different_settings_are_all_kept(tenant: Tenant) -> None:
    changes: list[dict[str, Any]] = [
        {"name": "changed"},
        {"scopes": ["read"]},
        {"namespaces": ["app"]},
        {"expires_at": "2099-01-01T00:00:00Z"},
    ]
    for _ in range(5):
        key_id = tenant.new_key()["id"]
        with ThreadPoolExecutor(len(changes)) as pool:
            statuses = list(pool.map(lambda change, key_id=key_id: patch(tenant, key_id, change), changes))
        assert statuses == [200] * len(changes)
        key = tenant.http.get(f"/v1/api-keys/{key_id}", headers=tenant.bearer).json()
        assert (key["name"], key["scopes"], key["namespaces"]) == ("changed", ["read"], ["app"])
        assert key["expires_at"] == "2099-01-01T00:00:00.000Z"


def test_change_does_not_reactivate_a_rotated_key(tenant: Tenant) -> None:
    for trial in range(10):
        key_id = tenant.new_key()["id"]

        def rotate(key_id: str = key_id) -> Any:
            path = f"/v1/api-keys/{key_id}/rotate"
            return tenant.http.post(path, json={"grace_seconds": 60}, headers=tenant.bearer)

        with ThreadPoolExecutor(5) as pool:
            names = [pool.submit(patch, tenant, key_id, {"name": f"{trial}-{number}"}) for number in range(2)]
            rotation = pool.submit(rotate)
            names += [pool.submit(patch, tenant, key_id, {"name": f"{trial}-{number}"}) for number in range(2, 4)]
        # Five attempts each: every conflict means that one of the four others succeeded, so there are four at most.
        assert {name.result() for name in names} == {200}
        response = rotation.result()
        assert response.status_code == 201
        old = tenant.http.get(f"/v1/api-keys/{key_id}", headers=tenant.bearer).json()
        assert old["rotated_to"] == response.json()["id"]
        assert "expires_at" in old
