"""The deletion of an account may crash anywhere: the next run completes it."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from auth_service import cognito
from auth_service.lambdas import event_handlers
from auth_service.model import Account, KeySettings, StoredKey
from auth_service.persistence import AccountStore, KeyStore
from kv_common import dynamodb
from kv_common.api_keys import Scope
from kv_common.clock import now_ms
from kv_common.errors import Unauthorized
from kv_common.events import AccountCreated, AccountDeleted, ApiKeyUsed, Event
from tests.support.crashing_client import CrashingClient, ProcessCrashed
from tests.support.leftovers import left_in_auth
from tests.support.queues import paused_queue
from tests.support.tenant import sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from auth_service.container import Auth
    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

SETTINGS = KeySettings("one of many", ("*",), frozenset(Scope), None)


class Finish(Protocol):
    """See the fixture."""

    def __call__(self, tenant: Tenant, *, most: int) -> list[str]: ...


@pytest.fixture
def nobody_else(local: LocalEnvironment) -> Iterator[None]:
    """Pause the deployed function; waiting events are delivered afterwards."""
    with paused_queue(local, "auth-events"):
        yield


@pytest.fixture
def stores(auth: Auth) -> tuple[AccountStore, KeyStore]:
    client, settings = dynamodb.client(), auth.settings
    return AccountStore(client, settings.table), KeyStore(client, settings.table, settings.credentials_table)


def new_key() -> StoredKey:
    return StoredKey(f"key_{secrets.token_hex(6)}", secrets.token_hex(32), "kv_live_", SETTINGS, now_ms())


def new_test_event(tenant: Tenant) -> Event:
    """An event of the account that exists only in its outbox."""
    return Event(secrets.token_hex(8), tenant.account_id, "c-1", now_ms() * 1000, AccountCreated(email=tenant.email))


def deleted(account_id: str) -> Event:
    return Event(f"{account_id}#deleted", account_id, "c-1", 0, AccountDeleted())


@pytest.fixture
def finish(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> Finish:  # noqa: ARG001 - the environment it runs in
    """Handle an account's AccountDeleted in a process that crashes after `most` calls; return the calls."""
    clients: list[tuple[Any, Any]] = [(module, module.client()) for module in (dynamodb, cognito)]

    def run(tenant: Tenant, *, most: int) -> list[str]:
        calls: list[str] = []
        with monkeypatch.context() as patched:
            for module, client in clients:
                patched.setattr(module, "client", lambda client=client: CrashingClient(client, calls, most))
            event_handlers()["AccountDeleted"](deleted(tenant.account_id))
        return calls

    return run


@pytest.mark.usefixtures("nobody_else")
def test_deletion_that_crashes_anywhere_is_completed_by_the_next_run(
    local: LocalEnvironment, http: httpx.Client, auth: Auth, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small batches, so that there are several of each kind.
    monkeypatch.setattr("kv_common.dynamodb.writes._BATCH", 2)
    died, most = True, 0
    while died:
        tenant = sign_up(local, http)
        for _ in range(3):
            auth.keys.create(tenant.account_id, SETTINGS, correlation_id="c-1")
        assert http.delete("/v1/auth/me", headers=tenant.bearer).status_code == 202
        try:
            calls = finish(tenant, most=most)
            died = False
        except ProcessCrashed:
            finish(tenant, most=1_000)
        assert left_in_auth(local, tenant) == [], f"after {most} calls"
        most += 1
    # It has crashed after each of these.
    assert {"admin_delete_user", "batch_write_item", "put_item", "query"} <= set(calls)
    assert most == len(calls) + 1


@pytest.mark.usefixtures("nobody_else")
def test_keys_are_revoked_first_even_if_the_rest_fails(local: LocalEnvironment, tenant: Tenant, finish: Finish) -> None:
    tenant.namespace("app")
    key = tenant.key()
    assert tenant.http.delete("/v1/auth/me", headers=tenant.bearer).status_code == 202

    with pytest.raises(ProcessCrashed):
        finish(tenant, most=1)  # a page of keys, and their credentials

    assert tenant.http.get("/v1/app/a", headers=key).status_code == 401
    # The user and its index items are left for the next run.
    assert len(left_in_auth(local, tenant)) > 1
    finish(tenant, most=1_000)
    assert left_in_auth(local, tenant) == []


def test_closed_account_accepts_no_writes_and_publishes_nothing(
    local: LocalEnvironment, stores: tuple[AccountStore, KeyStore], tenant: Tenant, finish: Finish
) -> None:
    accounts, keys = stores
    one, other = (keys.get(tenant.account_id, tenant.new_key()["id"]) for _ in range(2))
    assert tenant.http.delete("/v1/auth/me", headers=tenant.bearer).status_code == 202

    # Like requests that were admitted before and have already checked the tombstone.
    attempts: list[Callable[[], None]] = [
        lambda: keys.add(tenant.account_id, new_key(), new_test_event(tenant)),
        lambda: keys.rotate(tenant.account_id, one, new_key(), new_test_event(tenant)),
        lambda: keys.revoke(tenant.account_id, other, new_test_event(tenant)),
        lambda: accounts.add(Account(tenant.account_id, tenant.email, "free", 0), new_test_event(tenant)),
        lambda: accounts.close(tenant.account_id, tenant.account_id, new_test_event(tenant), now_ms=0),
    ]
    for attempt in attempts:
        with pytest.raises(Unauthorized, match="has been deleted"):
            attempt()

    finish(tenant, most=1_000)
    assert left_in_auth(local, tenant) == []


@pytest.mark.usefixtures("nobody_else")
def test_keys_created_during_closing_are_revoked_or_never_stored(
    local: LocalEnvironment, stores: tuple[AccountStore, KeyStore], tenant: Tenant, finish: Finish
) -> None:
    accounts, keys = stores

    def store(_: int) -> bool:
        try:
            keys.add(tenant.account_id, new_key(), new_test_event(tenant))
        except Unauthorized:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        stored = [pool.submit(store, number) for number in range(60)]
        await_value(lambda: sum(one.done() for one in stored) > 10, within=10, pause=0)
        accounts.close(tenant.account_id, tenant.account_id, deleted(tenant.account_id), now_ms=now_ms())
        finish(tenant, most=1_000)
    # Some were stored before the closing and some were rejected after it.
    assert {one.result() for one in stored} == {True, False}
    assert left_in_auth(local, tenant) == []


@pytest.mark.usefixtures("auth")
def test_events_after_the_deletion_change_nothing(local: LocalEnvironment, tenant: Tenant) -> None:
    key_id = tenant.new_key()["id"]
    assert tenant.http.delete("/v1/auth/me", headers=tenant.bearer).status_code == 202
    await_value(lambda: not left_in_auth(local, tenant), within=30)

    handlers = event_handlers()
    used = ApiKeyUsed(keys={key_id: 29_000_000})
    handlers["ApiKeyUsed"](Event(secrets.token_hex(8), tenant.account_id, "c-1", 0, used))
    handlers["AccountDeleted"](deleted(tenant.account_id))

    assert left_in_auth(local, tenant) == []
