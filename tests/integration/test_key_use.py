"""Concurrent uses and changes of a key: neither overwrites the other."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from auth_service.persistence import KeyStore
from kv_common import dynamodb
from kv_common.errors import NotFound

if TYPE_CHECKING:
    from auth_service.container import Auth
    from tests.support.tenant import Tenant


@pytest.fixture
def store(auth: Auth) -> KeyStore:
    return KeyStore(dynamodb.client(), auth.settings.table, auth.settings.credentials_table)


def test_concurrent_uses_and_changes_are_all_kept(auth: Auth, store: KeyStore, tenant: Tenant) -> None:
    key_id = tenant.new_key()["id"]
    minutes = random.Random(7).sample(range(1, 201), 200)

    def rename(number: int) -> None:
        auth.keys.change(tenant.account_id, key_id, lambda settings: replace(settings, name=f"name {number}"))

    def rename_often() -> None:
        for number in range(30):
            rename(number)

    with ThreadPoolExecutor(8) as pool:
        renames = pool.submit(rename_often)
        list(pool.map(lambda minute: store.note_use(tenant.account_id, key_id, minute * 60_000), minutes))
        renames.result()

    key = store.get(tenant.account_id, key_id)
    assert (key.last_used_at_ms, key.settings.name, key.revision) == (200 * 60_000, "name 29", 31)


def test_use_recorded_between_read_and_change_is_kept(store: KeyStore, tenant: Tenant) -> None:
    key_id = tenant.new_key()["id"]
    read = store.get(tenant.account_id, key_id)
    store.note_use(tenant.account_id, key_id, 60_000)

    store.change(tenant.account_id, replace(read, settings=replace(read.settings, name="changed")))

    key = store.get(tenant.account_id, key_id)
    assert (key.last_used_at_ms, key.settings.name, key.revision) == (60_000, "changed", read.revision + 1)


def test_use_does_not_recreate_a_deleted_key(store: KeyStore, tenant: Tenant) -> None:
    key_id = tenant.new_key()["id"]
    assert tenant.http.delete(f"/v1/api-keys/{key_id}", headers=tenant.bearer).status_code == 204

    store.note_use(tenant.account_id, key_id, 60_000)

    with pytest.raises(NotFound):
        store.get(tenant.account_id, key_id)
    assert store.all(tenant.account_id) == ()
