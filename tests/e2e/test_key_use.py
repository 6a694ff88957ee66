"""The time of a key's last use: kv publishes it, and the owner sees it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from kv_common.clock import now_ms, timestamp
from kv_common.events import ApiKeyUsed, Event
from tests.support.tenant import sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

MINUTE_MS = 60_000


def publish_key_uses(local: LocalEnvironment, account_id: str, keys: dict[str, int]) -> None:
    """Publish ApiKeyUsed like kv."""
    event = Event(secrets.token_hex(8), account_id, "use", now_ms() * 1000, ApiKeyUsed(keys=keys))
    entry = {"EventBusName": "kv-local", "Source": "kv.kv", "DetailType": event.name, "Detail": event.encode()}
    assert local.aws_client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def last_used(tenant: Tenant) -> dict[str, str]:
    """Return the listed time of last use of each of the account's keys."""
    listed = tenant.http.get("/v1/api-keys", headers=tenant.bearer).json()["api_keys"]
    return {key["id"]: key["last_used_at"] for key in listed if "last_used_at" in key}


def test_owner_sees_the_minute_of_the_last_use(local: LocalEnvironment, tenant: Tenant) -> None:
    one, other, unused = (tenant.new_key()["id"] for _ in range(3))
    minute = now_ms() // MINUTE_MS
    assert last_used(tenant) == {}

    # A deleted key does not affect the others.
    publish_key_uses(local, tenant.account_id, {one: minute - 5, "key_000000000000": minute, other: minute - 1})
    await_value(lambda: len(last_used(tenant)) == 2, within=10)
    publish_key_uses(local, tenant.account_id, {one: minute})
    await_value(lambda: last_used(tenant)[one] == timestamp(minute * MINUTE_MS), within=10)
    # A late event does not set the time back; the second key's use shows that it was processed.
    publish_key_uses(local, tenant.account_id, {one: minute - 3, other: minute})
    await_value(lambda: last_used(tenant)[other] == timestamp(minute * MINUTE_MS), within=10)

    assert last_used(tenant) == dict.fromkeys([one, other], timestamp(minute * MINUTE_MS))
    shown = tenant.http.get(f"/v1/api-keys/{unused}", headers=tenant.bearer).json()
    assert "last_used_at" not in shown


def test_event_of_one_account_changes_no_key_of_another(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    stranger = sign_up(local, http)
    victim, own = tenant.new_key()["id"], stranger.new_key()["id"]

    publish_key_uses(local, stranger.account_id, {victim: 1, own: 1})

    await_value(lambda: last_used(stranger), within=10)
    assert last_used(tenant) == {}
    listed = http.get("/v1/api-keys", headers=stranger.bearer).json()["api_keys"]
    assert [key["id"] for key in listed] == [own]


def test_change_of_a_key_keeps_its_last_use(local: LocalEnvironment, tenant: Tenant) -> None:
    key_id = tenant.new_key()["id"]
    publish_key_uses(local, tenant.account_id, {key_id: 29_000_000})
    await_value(lambda: last_used(tenant), within=10)
    before = last_used(tenant)

    body = json.dumps({"name": "changed", "expires_at": "2099-01-01T00:00:00Z"})
    path = f"/v1/api-keys/{key_id}"
    assert tenant.http.patch(path, content=body, headers=tenant.bearer).status_code == 200
    assert tenant.http.patch(path, json={"expires_at": None}, headers=tenant.bearer).status_code == 200
    rotation = tenant.http.post(f"{path}/rotate", json={"grace_seconds": 60}, headers=tenant.bearer)
    assert rotation.status_code == 201

    assert last_used(tenant) == before
