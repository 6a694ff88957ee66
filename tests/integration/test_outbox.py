"""auth writes a change and its event atomically."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from kv_common.events import AccountCreated, ApiKeyIssued, ApiKeyRevoked, Event, decode
from tests.support.kv_process import environment_of

if TYPE_CHECKING:
    from auth_service.container import Auth
    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant


def published_events(local: LocalEnvironment, account_id: str) -> list[Event]:
    """Return the events of an account in the outbox."""
    items: list[dict[str, Any]] = local.aws_client("dynamodb").query(
        TableName=environment_of(local, "auth")["TABLE"],
        KeyConditionExpression="PK = :p AND begins_with(SK, :o)",
        ExpressionAttributeValues={":p": {"S": f"ACCOUNT#{account_id}"}, ":o": {"S": "OUTBOX#"}},
        ConsistentRead=True,
    )["Items"]
    events = [decode(item["name"]["S"], json.loads(item["detail"]["S"])) for item in items]
    return sorted(events, key=lambda event: event.occurred_at_us)


def test_every_change_of_a_key_is_published(local: LocalEnvironment, tenant: Tenant) -> None:
    correlation = {"X-Correlation-Id": "life-of-a-key"}
    headers = {**tenant.bearer, **correlation}
    first = tenant.http.post("/v1/api-keys", json={"namespaces": ["app"], "scopes": ["read"]}, headers=headers).json()
    path = f"/v1/api-keys/{first['id']}"
    second = tenant.http.post(f"{path}/rotate", json={"grace_seconds": 60}, headers=headers).json()
    assert tenant.http.delete(path, headers=headers).status_code == 204
    events = published_events(local, tenant.account_id)
    assert [event.name for event in events] == ["AccountCreated", "ApiKeyIssued", "ApiKeyIssued", "ApiKeyRevoked"]
    assert [event.id for event in events[1:]] == [
        f"{first['id']}#issued",
        f"{second['id']}#issued",
        f"{first['id']}#revoked",
    ]
    assert {event.correlation_id for event in events[1:]} == {"life-of-a-key"}
    assert events[0].data == AccountCreated(email=tenant.email)
    assert isinstance(events[1].data, ApiKeyIssued)
    assert (events[1].data.namespaces, events[1].data.scopes) == (("app",), ("read",))
    assert isinstance(events[3].data, ApiKeyRevoked)
    # No published event contains a secret.
    assert all(key["key"][-30:] not in str(events) for key in (first, second))


def test_one_of_two_concurrent_rotations_succeeds_and_is_published(
    local: LocalEnvironment, auth: Auth, tenant: Tenant
) -> None:
    key = tenant.new_key()

    def rotate(number: int) -> bool:
        path = f"/v1/api-keys/{key['id']}/rotate"
        response = tenant.http.post(path, json={"grace_seconds": number}, headers=tenant.bearer)
        assert response.status_code in (201, 409)
        return response.status_code == 201

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(rotate, range(6))).count(True) == 1
    issued = [event.id for event in published_events(local, tenant.account_id) if event.name == "ApiKeyIssued"]
    assert sorted(issued) == sorted(f"{stored.id}#issued" for stored in auth.keys.all(tenant.account_id))
    assert len(issued) == 2


def test_concurrent_deletions_of_a_key_are_published_once(local: LocalEnvironment, tenant: Tenant) -> None:
    key = tenant.new_key()
    with ThreadPoolExecutor(4) as pool:
        path = f"/v1/api-keys/{key['id']}"
        statuses = list(pool.map(lambda _: tenant.http.delete(path, headers=tenant.bearer).status_code, range(4)))
    assert set(statuses) <= {204, 404}
    assert [event.name for event in published_events(local, tenant.account_id)].count("ApiKeyRevoked") == 1


def test_second_login_publishes_no_event(local: LocalEnvironment, tenant: Tenant) -> None:
    for _ in range(2):
        assert tenant.http.get("/v1/auth/me", headers=tenant.bearer).status_code == 200
    assert [event.name for event in published_events(local, tenant.account_id)] == ["AccountCreated"]
