"""Accounts and API keys, with fakes for all that is outside."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.model import Account, KeySettings, KeyState, Outdated, StoredKey
from auth_service.service import Accounts, Keys
from kv_common import api_keys
from kv_common.api_keys import Scope
from kv_common.errors import Conflict, Forbidden, NotFound, Unauthorized
from kv_common.events import AccountCreated, AccountDeleted, ApiKeyRevoked, Event
from tests.unit.auth.fakes import (
    ACCOUNT,
    DAY_MS,
    NOW_MS,
    OTHER,
    SETTINGS,
    FakeAccountStore,
    FakeCognito,
    FakeKeyStore,
    key,
)


def keys_of(store: FakeKeyStore, now_ms: int = NOW_MS, seed: int = 7) -> Keys:
    return Keys(store, now_ms=lambda: now_ms, random_bits=random.Random(seed).getrandbits)


def holding(*keys: StoredKey) -> FakeKeyStore:
    return FakeKeyStore(**{ACCOUNT: keys})


def test_a_new_key_is_listed_and_its_text_belongs_to_its_digest() -> None:
    store = holding()

    made, text = keys_of(store).create(ACCOUNT, SETTINGS, correlation_id="c-1")

    parsed = api_keys.parse(text)
    assert parsed is not None
    assert parsed.account_id == ACCOUNT
    assert parsed.digest == made.digest == hashlib.sha256(text.encode()).hexdigest()
    assert keys_of(store).all(ACCOUNT) == (made,)
    assert made.settings == SETTINGS
    assert made.created_at_ms == NOW_MS
    assert made.state(NOW_MS) is KeyState.ACTIVE


def test_the_text_of_a_key_is_kept_nowhere() -> None:
    store = holding()

    _, text = keys_of(store).create(ACCOUNT, SETTINGS, correlation_id="c-1")

    assert text not in repr(store.keys)
    assert text[-20:] not in repr(store.keys)


def test_two_keys_differ_in_everything() -> None:
    keys = keys_of(holding())
    (one, text), (other, other_text) = (
        keys.create(ACCOUNT, SETTINGS, correlation_id="c-1"),
        keys.create(ACCOUNT, SETTINGS, correlation_id="c-1"),
    )

    assert one.id != other.id
    assert one.digest != other.digest
    assert text != other_text


def test_an_account_may_have_100_working_keys() -> None:
    store = holding(*(key(number) for number in range(99)))
    keys_of(store).create(ACCOUNT, SETTINGS, correlation_id="c-1")

    with pytest.raises(Conflict) as refusal:
        keys_of(store, seed=8).create(ACCOUNT, SETTINGS, correlation_id="c-1")

    assert refusal.value.details == {"reason": "too_many_keys", "max": 100}
    assert len(store.keys) == 100


def test_keys_that_have_expired_do_not_count() -> None:
    store = holding(*(key(number, expires_at_ms=NOW_MS) for number in range(150)), *(key(n) for n in range(200, 299)))

    keys_of(store).create(ACCOUNT, SETTINGS, correlation_id="c-1")

    assert len(store.keys) == 250


def test_another_accounts_keys_do_not_count() -> None:
    store = FakeKeyStore(**{OTHER: tuple(key(number) for number in range(100))})

    keys_of(store).create(ACCOUNT, SETTINGS, correlation_id="c-1")

    assert len(store.all(ACCOUNT)) == 1


def test_another_accounts_key_is_a_key_that_does_not_exist() -> None:
    store, keys = FakeKeyStore(**{OTHER: (key(1),)}), keys_of
    for attempt in (
        lambda: keys(store).get(ACCOUNT, key(1).id),
        lambda: keys(store).change(ACCOUNT, key(1).id, lambda settings: settings),
        lambda: keys(store).rotate(ACCOUNT, key(1).id, 0, correlation_id="c-1"),
        lambda: keys(store).delete(ACCOUNT, key(1).id, correlation_id="c-1"),
    ):
        with pytest.raises(NotFound) as missing:
            attempt()
        assert missing.value.message == "There is no such API key."
    assert store.keys == {(OTHER, key(1).id): key(1)}
    assert store.revoked == []


def test_a_change_is_made_to_the_present_settings_and_to_nothing_else() -> None:
    store = holding(key(1, rotated_to="key_x", last_used_at_ms=5), key(2))

    changed = keys_of(store).change(ACCOUNT, key(1).id, lambda now: replace(now, name="new"))

    assert changed == replace(key(1, rotated_to="key_x", last_used_at_ms=5), settings=replace(SETTINGS, name="new"))
    assert store.get(ACCOUNT, key(1).id) == changed
    assert store.get(ACCOUNT, key(2).id) == key(2)


def test_a_deleted_key_is_closed_and_no_longer_listed() -> None:
    store = holding(key(1), key(2))

    keys_of(store).delete(ACCOUNT, key(1).id, correlation_id="c-1")

    assert store.revoked == [key(1).digest]
    assert store.all(ACCOUNT) == (key(2),)


def test_a_rotated_key_works_for_its_grace_and_its_successor_takes_over_its_settings() -> None:
    old = replace(key(1), settings=KeySettings("ci", ("a", "b"), frozenset({Scope.READ}), None))
    store = holding(old)

    new, text = keys_of(store).rotate(ACCOUNT, old.id, 3_600_000, correlation_id="c-1")

    ending = store.get(ACCOUNT, old.id)
    parsed = api_keys.parse(text)
    assert parsed is not None
    assert parsed.digest == new.digest != old.digest
    assert new.settings == old.settings
    assert ending == replace(old, settings=replace(old.settings, expires_at_ms=NOW_MS + 3_600_000), rotated_to=new.id)
    assert new.rotated_to is None


def test_without_grace_the_old_key_stops_at_once() -> None:
    store = holding(key(1))

    keys_of(store).rotate(ACCOUNT, key(1).id, 0, correlation_id="c-1")

    assert store.get(ACCOUNT, key(1).id).state(NOW_MS) is KeyState.EXPIRED


@given(st.integers(0, 30 * DAY_MS), st.one_of(st.none(), st.integers(1, 60 * DAY_MS)))
def test_a_grace_never_makes_a_key_live_longer(grace_ms: int, left_ms: int | None) -> None:
    expires_at_ms = None if left_ms is None else NOW_MS + left_ms
    store = holding(key(1, expires_at_ms=expires_at_ms))

    new, _ = keys_of(store).rotate(ACCOUNT, key(1).id, grace_ms, correlation_id="c-1")

    ends = store.get(ACCOUNT, key(1).id).settings.expires_at_ms
    assert ends is not None
    assert ends <= NOW_MS + grace_ms
    assert expires_at_ms is None or ends <= expires_at_ms
    assert ends in (NOW_MS + grace_ms, expires_at_ms)
    assert new.settings.expires_at_ms == expires_at_ms


def test_a_key_is_rotated_once() -> None:
    store = holding(key(1))
    new, _ = keys_of(store).rotate(ACCOUNT, key(1).id, DAY_MS, correlation_id="c-1")

    with pytest.raises(Conflict, match="rotated already") as refusal:
        keys_of(store, seed=8).rotate(ACCOUNT, key(1).id, DAY_MS, correlation_id="c-1")

    assert refusal.value.details == {"rotated_to": new.id}
    assert len(store.keys) == 2


def test_the_successor_can_be_rotated_in_turn() -> None:
    store = holding(key(1))
    second, _ = keys_of(store).rotate(ACCOUNT, key(1).id, DAY_MS, correlation_id="c-1")

    third, _ = keys_of(store, seed=8).rotate(ACCOUNT, second.id, DAY_MS, correlation_id="c-1")

    assert store.get(ACCOUNT, second.id).rotated_to == third.id


def test_an_expired_key_cannot_be_rotated_back_to_life() -> None:
    store = holding(key(1, expires_at_ms=NOW_MS))

    with pytest.raises(Conflict, match="expired"):
        keys_of(store).rotate(ACCOUNT, key(1).id, DAY_MS, correlation_id="c-1")

    assert len(store.keys) == 1


def accounts_of(pool: FakeCognito, register: FakeAccountStore) -> Accounts:
    return Accounts(pool, register, now_ms=lambda: NOW_MS)


def test_the_first_log_in_stores_the_account_on_the_free_plan() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    accounts = accounts_of(pool, register)
    pool.sign_up("a@b.de", "password")
    assert register.accounts == {}

    tokens = accounts.log_in("a@b.de", "password", correlation_id="c-1")

    assert register.accounts == {ACCOUNT: Account(ACCOUNT, "a@b.de", "free", NOW_MS)}
    assert tokens.access_token == "access:a@b.de"


def test_a_later_log_in_leaves_the_account_as_it_is() -> None:
    pool, stored = FakeCognito(), Account(ACCOUNT, "a@b.de", "pro", 5)
    pool.sign_up("a@b.de", "password")
    register = FakeAccountStore(stored)

    accounts_of(pool, register).log_in("a@b.de", "password", correlation_id="c-1")

    assert register.accounts == {ACCOUNT: stored}


def test_a_failed_log_in_stores_nothing() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    pool.sign_up("a@b.de", "password")

    for address, password in (("a@b.de", "wrong"), ("nobody@b.de", "password")):
        with pytest.raises(Unauthorized, match="address or the password is wrong"):
            accounts_of(pool, register).log_in(address, password, correlation_id="c-1")

    assert register.accounts == {}


def test_a_profile_tells_whether_the_address_is_verified() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    pool.sign_up("a@b.de", "password")
    accounts = accounts_of(pool, register)

    assert accounts.profile("access:a@b.de", correlation_id="c-1") == (
        Account(ACCOUNT, "a@b.de", "free", NOW_MS),
        False,
    )
    pool.confirm("a@b.de", "123456")
    assert accounts.profile("access:a@b.de", correlation_id="c-1")[1] is True


def test_first_log_in_publishes_account_created_and_later_ones_do_not() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    pool.sign_up("a@b.de", "password")
    accounts = accounts_of(pool, register)

    for number in range(3):
        accounts.log_in("a@b.de", "password", correlation_id=f"c-{number}")

    [event] = register.events
    assert (event.id, event.account_id, event.correlation_id) == (f"{ACCOUNT}#created", ACCOUNT, "c-0")
    assert event.data == AccountCreated(email="a@b.de")


def test_account_is_deleted_once_with_one_event() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    pool.sign_up("a@b.de", "password")
    accounts = accounts_of(pool, register)
    now_s = NOW_MS // 1000

    accounts.delete("access:a@b.de", signed_in_at_s=now_s, correlation_id="c-1")
    with pytest.raises(Unauthorized, match="has been deleted"):
        accounts.delete("access:a@b.de", signed_in_at_s=now_s, correlation_id="c-2")

    [event] = register.events
    assert (event.id, event.account_id, event.correlation_id) == (f"{ACCOUNT}#deleted", ACCOUNT, "c-1")
    assert (event.data, event.occurred_at_us) == (AccountDeleted(), NOW_MS * 1000)


def test_a_deleted_account_is_not_made_again_by_a_session_it_still_has() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    pool.sign_up("a@b.de", "password")
    accounts = accounts_of(pool, register)
    accounts.delete("access:a@b.de", signed_in_at_s=NOW_MS // 1000, correlation_id="c-1")

    for attempt in (
        lambda: accounts.profile("access:a@b.de", correlation_id="c-2"),
        lambda: accounts.log_in("a@b.de", "password", correlation_id="c-3"),
    ):
        with pytest.raises(Unauthorized, match="has been deleted"):
            attempt()

    assert register.accounts == {}
    assert [event.name for event in register.events] == ["AccountDeleted"]


def test_a_session_that_began_long_ago_deletes_nothing() -> None:
    pool, register = FakeCognito(), FakeAccountStore()
    pool.sign_up("a@b.de", "password")

    with pytest.raises(Forbidden, match="log in again"):
        accounts_of(pool, register).delete("access:a@b.de", signed_in_at_s=NOW_MS // 1000 - 3_600, correlation_id="c-1")

    assert (register.closed, register.events) == ({}, [])


def test_every_key_event_has_an_id_of_its_own() -> None:
    store = holding()
    first, _ = keys_of(store).create(ACCOUNT, SETTINGS, correlation_id="c-1")
    second, _ = keys_of(store, seed=8).rotate(ACCOUNT, first.id, 0, correlation_id="c-2")
    keys_of(store).delete(ACCOUNT, first.id, correlation_id="c-3")

    assert [(event.id, event.name, event.correlation_id) for event in store.events] == [
        (f"{first.id}#issued", "ApiKeyIssued", "c-1"),
        (f"{second.id}#issued", "ApiKeyIssued", "c-2"),
        (f"{first.id}#revoked", "ApiKeyRevoked", "c-3"),
    ]
    assert {event.occurred_at_us for event in store.events} == {NOW_MS * 1000}
    assert store.events[2].data == ApiKeyRevoked(
        key_id=first.id, display=first.display, digest=first.digest, reason="deleted"
    )


def test_a_leaked_key_can_be_rotated_however_many_there_are() -> None:
    store = holding(*(key(number) for number in range(100)))

    keys_of(store).rotate(ACCOUNT, key(1).id, 0, correlation_id="c-1")

    assert len(store.keys) == 101


def test_an_account_lists_1000_keys_at_most_with_those_that_have_expired() -> None:
    store = holding(key(0), *(key(number, expires_at_ms=NOW_MS) for number in range(1, 1_000)))

    with pytest.raises(Conflict) as refusal:
        keys_of(store).rotate(ACCOUNT, key(0).id, 0, correlation_id="c-1")

    assert refusal.value.details == {"reason": "too_many_keys", "max": 100}


class Busy(FakeKeyStore):
    """Keys that somebody else renames each time before a change or a rotation is stored, so many times."""

    def __init__(self, rivals: int) -> None:
        super().__init__(**{ACCOUNT: (key(1),)})
        self.rivals = rivals

    def _overtake(self, one: StoredKey) -> None:
        if self.rivals:
            self.rivals -= 1
            present = self.keys[ACCOUNT, one.id]
            renamed = replace(present.settings, name=f"rival {self.rivals}")
            self.keys[ACCOUNT, one.id] = replace(present, settings=renamed, revision=present.revision + 1)
            raise Outdated

    def change(self, account_id: str, key: StoredKey) -> None:
        self._overtake(key)
        super().change(account_id, key)

    def rotate(self, account_id: str, old: StoredKey, new: StoredKey, event: Event) -> None:
        self._overtake(old)
        super().rotate(account_id, old, new, event)


def test_a_rotation_takes_over_what_the_key_has_become_meanwhile() -> None:
    store = Busy(rivals=4)

    new, _ = keys_of(store).rotate(ACCOUNT, key(1).id, 0, correlation_id="c-1")

    assert new.settings.name == "rival 0"
    assert store.get(ACCOUNT, key(1).id).rotated_to == new.id
    assert [event.id for event in store.events] == [f"{new.id}#issued"]


def test_a_change_is_decided_anew_when_the_key_was_changed_meanwhile() -> None:
    store = Busy(rivals=3)

    changed = keys_of(store).change(ACCOUNT, key(1).id, lambda now: replace(now, scopes=frozenset({Scope.READ})))

    assert (changed.settings.name, changed.settings.scopes) == ("rival 0", frozenset({Scope.READ}))


def test_a_change_gives_up_when_others_never_stop() -> None:
    with pytest.raises(Conflict, match="being changed by others"):
        keys_of(Busy(rivals=99)).change(ACCOUNT, key(1).id, lambda now: now)
    with pytest.raises(Conflict, match="being changed by others"):
        keys_of(Busy(rivals=99)).rotate(ACCOUNT, key(1).id, 0, correlation_id="c-1")
