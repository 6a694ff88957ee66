"""API keys: created, listed, changed, rotated and revoked, and what they give access to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.function_logs import function_logs
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import JSON, Tenant


def opens(http: httpx.Client, key: str, path: str = "/v1/app/a") -> int:
    return http.get(path, headers={"x-api-key": key}).status_code


def await_status(http: httpx.Client, key: str, status: int, *, within: float) -> None:
    await_value(lambda: opens(http, key) == status, within=within)


@pytest.fixture(autouse=True)
def app(tenant: Tenant) -> str:
    return tenant.namespace("app")


def test_key_is_shown_once_and_masked_afterwards(http: httpx.Client, tenant: Tenant) -> None:
    created = tenant.new_key(name="ci", namespaces=["app", "other"], scopes=["read", "list"])
    text = created.pop("key")
    assert text.startswith("kv_live_")
    assert len(text) == 79
    assert created["display"].endswith("…")
    assert text.startswith(created["display"][:-1])
    assert len(created["display"]) < len(text) - 40
    assert (created["name"], created["namespaces"], created["scopes"], created["status"]) == (
        "ci",
        ["app", "other"],
        ["list", "read"],
        "active",
    )
    assert http.get(f"/v1/api-keys/{created['id']}", headers=tenant.bearer).json() == created
    listed = http.get("/v1/api-keys", headers=tenant.bearer)
    assert listed.json() == {"api_keys": [created]}
    assert text not in listed.text


def test_only_the_hash_of_a_key_is_stored_or_logged(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    text = tenant.new_key()["key"]
    assert opens(http, text) == 404
    secret = text[8 + 22 + 4 :]
    dynamodb = local.aws_client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        assert secret not in str(dynamodb.scan(TableName=table)["Items"])
    lines = await_value(lambda: [line for line in function_logs(local) if tenant.account_id in line], within=5)
    assert len(lines) >= 2
    log = "\n".join(function_logs(local)) + (local.state_dir / "emulator.log").read_text()
    assert secret not in log
    assert tenant.session["access_token"][-40:] not in log


def test_keys_are_listed_in_order_of_creation(http: httpx.Client, tenant: Tenant) -> None:
    ids = [tenant.new_key(name=str(number))["id"] for number in range(4)]
    listed = http.get("/v1/api-keys", headers=tenant.bearer).json()["api_keys"]
    assert [key["id"] for key in listed] == ids


def test_key_gives_access_according_to_its_scopes_and_namespaces(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("other")
    headers = tenant.key(namespaces=["app"], scopes=["read", "list"])
    assert http.get("/v1/app/a", headers=headers).status_code == 404
    assert http.get("/v1/app", headers=headers).status_code == 200
    forbidden = [
        http.put("/v1/app/a", content=b'{"value": 1}', headers=headers),
        http.delete("/v1/app/a", headers=headers),
        http.get("/v1/other/a", headers=headers),
        http.get("/v1/missing/a", headers=headers),
    ]
    assert [response.status_code for response in forbidden] == [403] * 4
    # A key without access to a namespace cannot find out whether it exists.
    assert forbidden[2].json()["error"]["message"] == forbidden[3].json()["error"]["message"]
    assert forbidden[0].json()["error"]["details"] == {"required_scope": "write"}


def test_change_of_a_key_takes_effect_within_ten_seconds(http: httpx.Client, tenant: Tenant) -> None:
    key = tenant.new_key(name="old")
    assert opens(http, key["key"]) == 404
    change = {"name": "new", "scopes": ["write"], "expires_at": "2030-01-01T00:00:00+02:00"}
    changed = http.patch(f"/v1/api-keys/{key['id']}", json=change, headers=tenant.bearer)
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["scopes"]) == ("new", ["write"])
    assert changed.json()["expires_at"] == "2029-12-31T22:00:00.000Z"
    assert changed.json()["namespaces"] == ["*"]
    await_status(http, key["key"], 403, within=11)
    cleared = http.patch(f"/v1/api-keys/{key['id']}", json={"expires_at": None}, headers=tenant.bearer)
    assert "expires_at" not in cleared.json()


def test_revoked_key_is_rejected_within_ten_seconds_permanently(http: httpx.Client, tenant: Tenant) -> None:
    key, other = tenant.new_key(), tenant.new_key()
    assert opens(http, key["key"]) == 404
    for expected in (204, 404):
        assert http.delete(f"/v1/api-keys/{key['id']}", headers=tenant.bearer).status_code == expected
    await_status(http, key["key"], 401, within=11)
    assert opens(http, other["key"]) == 404
    assert [listed["id"] for listed in http.get("/v1/api-keys", headers=tenant.bearer).json()["api_keys"]] == [
        other["id"]
    ]


def test_rotated_key_is_valid_during_its_grace_period(http: httpx.Client, tenant: Tenant) -> None:
    old = tenant.new_key(name="svc", scopes=["read"])
    path = f"/v1/api-keys/{old['id']}/rotate"
    rotated = http.post(path, json={"grace_seconds": 3}, headers=tenant.bearer)
    assert rotated.status_code == 201
    new: JSON = rotated.json()
    assert (new["name"], new["scopes"], new["id"] == old["id"]) == ("svc", ["read"], False)
    assert (opens(http, old["key"]), opens(http, new["key"])) == (404, 404)
    listed = http.get(f"/v1/api-keys/{old['id']}", headers=tenant.bearer).json()
    assert listed["rotated_to"] == new["id"]
    again = http.post(path, json={"grace_seconds": 3}, headers=tenant.bearer)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")
    await_status(http, old["key"], 401, within=5)
    assert opens(http, new["key"]) == 404
    assert http.get(f"/v1/api-keys/{old['id']}", headers=tenant.bearer).json()["status"] == "expired"


def test_key_expires_at_its_expiry_time(http: httpx.Client, tenant: Tenant) -> None:
    expires = datetime.now(UTC) + timedelta(seconds=3)
    key = tenant.new_key(expires_at=expires.isoformat())
    assert opens(http, key["key"]) == 404
    await_status(http, key["key"], 401, within=5)
    assert datetime.now(UTC) >= expires


def test_unknown_revoked_and_expired_keys_get_the_same_response(http: httpx.Client, tenant: Tenant) -> None:
    revoked = tenant.new_key()
    http.delete(f"/v1/api-keys/{revoked['id']}", headers=tenant.bearer)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    expired = tenant.new_key(expires_at=soon.isoformat())
    await_status(http, expired["key"], 401, within=5)
    junk = "kv_live_" + "0" * 71
    errors = []
    for text in (revoked["key"], expired["key"], junk, "x"):
        response = http.get("/v1/app/a", headers={"x-api-key": text})
        assert response.status_code == 401
        errors.append({**response.json()["error"], "correlation_id": ""})
    assert errors == [errors[0]] * 4


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["admin"]},
        {"scopes": ["read", "read"]},
        {"namespaces": []},
        {"namespaces": ["*", "app"]},
        {"namespaces": ["App"]},
        {"namespaces": ["auth"]},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"expires_at": "tomorrow"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": 1893456000},
        {"expiresAt": "2030-01-01T00:00:00Z"},
    ],
)
def test_invalid_key_settings_are_a_400(http: httpx.Client, tenant: Tenant, body: dict[str, object]) -> None:
    response = http.post("/v1/api-keys", json=body, headers=tenant.bearer)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert http.get("/v1/api-keys", headers=tenant.bearer).json() == {"api_keys": []}


@pytest.mark.parametrize("grace", [-1, 2_592_001, "60", 1.5, None])
def test_grace_period_is_zero_to_thirty_days(http: httpx.Client, tenant: Tenant, grace: object) -> None:
    key = tenant.new_key()
    response = http.post(f"/v1/api-keys/{key['id']}/rotate", json={"grace_seconds": grace}, headers=tenant.bearer)
    assert response.status_code == 400


def test_key_cannot_manage_keys_or_namespaces(http: httpx.Client, tenant: Tenant) -> None:
    headers = tenant.key()
    for path in ("/v1/api-keys", "/v1/namespaces", "/v1/auth/me"):
        assert http.get(path, headers=headers).status_code == 401
