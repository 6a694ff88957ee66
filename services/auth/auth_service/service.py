"""Use cases of accounts and API keys; stores, Cognito, clocks and randomness are parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from auth_service import events as facts
from auth_service import model as domain
from auth_service.model import MAX_KEYS, MAX_LISTED_KEYS, Account, KeySettings, KeyState, Outdated, StoredKey
from kv_common import api_keys, base62
from kv_common.errors import Conflict
from kv_common.plans import DEFAULT_PLAN

if TYPE_CHECKING:
    from auth_service.cognito import Cognito, Tokens
    from auth_service.persistence import AccountStore, KeyStore
    from kv_common.clock import Clock

RandomBits = Callable[[int], int]

_KEY_ID_WIDTH = 12
_ATTEMPTS = 5

Done = TypeVar("Done")


class Accounts:
    """Sign-up to deletion."""

    def __init__(self, identity: Cognito, store: AccountStore, *, now_ms: Clock) -> None:
        self._identity = identity
        self._store = store
        self._now_ms = now_ms

    def log_in(self, email: str, password: str, *, correlation_id: str) -> Tokens:
        """Start a session."""
        tokens = self._identity.log_in(email, password)
        self.profile(tokens.access_token, correlation_id=correlation_id)
        return tokens

    def profile(self, access_token: str, *, correlation_id: str) -> tuple[Account, bool]:
        """Return the account of an access token, and whether its e-mail address is verified.

        Accounts are stored when they are first seen with a session, which those from a federated sign-in also have.
        Unauthorized when the account has been deleted.
        """
        profile = self._identity.profile(access_token)
        self.require_open(profile.id)
        account = self._store.get(profile.id)
        if account is None:
            account = Account(profile.id, profile.email, DEFAULT_PLAN.name, self._now_ms())
            event = facts.account_created(account, correlation_id)
            self._store.add(account, event)
        return account, profile.email_verified

    def require_open(self, account_id: str) -> None:
        """Raise Unauthorized when the account has been deleted: its access tokens outlive it."""
        self._store.require_open(account_id)

    def delete(self, access_token: str, *, signed_in_at_s: object, correlation_id: str) -> None:
        """Close the account for good and publish AccountDeleted; every service then deletes its part.

        Unauthorized when that has happened already or the session has ended, Forbidden when its login is not recent.
        """
        now_ms = self._now_ms()
        profile = self._identity.profile(access_token)
        self.require_open(profile.id)
        domain.require_recent_login(signed_in_at_s, now_ms)
        event = facts.account_deleted(profile.id, correlation_id, now_ms=now_ms)
        self._store.close(profile.id, profile.username, event, now_ms=now_ms)


class Keys:
    """An account's API keys."""

    def __init__(self, store: KeyStore, *, now_ms: Clock, random_bits: RandomBits) -> None:
        self._store = store
        self._now_ms = now_ms
        self._random_bits = random_bits

    def create(self, account_id: str, settings: KeySettings, *, correlation_id: str) -> tuple[StoredKey, str]:
        """Make a key; return it and its text, which nobody can be shown again."""
        self._require_room(account_id, MAX_KEYS)
        stored, text = self._new(account_id, settings)
        self._store.add(account_id, stored, facts.key_issued(account_id, stored, correlation_id))
        return stored, text

    def all(self, account_id: str) -> tuple[StoredKey, ...]:
        """Return the account's keys, oldest first."""
        return self._store.all(account_id)

    def get(self, account_id: str, key_id: str) -> StoredKey:
        """Return one of the account's keys."""
        return self._store.get(account_id, key_id)

    def change(self, account_id: str, key_id: str, decide: Callable[[KeySettings], KeySettings]) -> StoredKey:
        """Give the key the settings that `decide` makes of its present ones."""

        def attempt(key: StoredKey) -> StoredKey:
            changed = dataclasses.replace(key, settings=decide(key.settings))
            self._store.change(account_id, changed)
            return changed

        return self._on_latest(account_id, key_id, attempt)

    def rotate(self, account_id: str, key_id: str, grace_ms: int, *, correlation_id: str) -> tuple[StoredKey, str]:
        """Make a key with the settings of an old one, which goes on working for `grace_ms`, or less if it ends before.

        Conflict when the old one has ended or been rotated already.
        """
        # A key that leaked has to be replaced however many there are: for the grace there is one more.
        self._require_room(account_id, MAX_LISTED_KEYS)

        def attempt(old: StoredKey) -> tuple[StoredKey, str]:
            ending = self._ending(old, grace_ms)
            new, text = self._new(account_id, old.settings)
            event = facts.key_issued(account_id, new, correlation_id)
            self._store.rotate(account_id, dataclasses.replace(ending, rotated_to=new.id), new, event)
            return new, text

        return self._on_latest(account_id, key_id, attempt)

    def delete(self, account_id: str, key_id: str, *, correlation_id: str) -> None:
        """Close the key for good."""
        key = self._store.get(account_id, key_id)
        event = facts.key_revoked(account_id, key, correlation_id, now_ms=self._now_ms())
        self._store.revoke(account_id, key, event)

    def _on_latest(self, account_id: str, key_id: str, attempt: Callable[[StoredKey], Done]) -> Done:
        """Do something with a key as it is now; again on what it has become, when others changed it meanwhile."""
        for _ in range(_ATTEMPTS):
            with suppress(Outdated):
                return attempt(self._store.get(account_id, key_id))
        raise Conflict("The key is being changed by others. Please retry.")

    def _ending(self, key: StoredKey, grace_ms: int) -> StoredKey:
        """Return the key with the end that its rotation sets: never later than the one it had."""
        now_ms = self._now_ms()
        if key.rotated_to is not None:
            raise Conflict("The key has been rotated already.", details={"rotated_to": key.rotated_to})
        if key.state(now_ms) is KeyState.EXPIRED:
            raise Conflict("The key has expired.")
        ends = now_ms + grace_ms
        if key.settings.expires_at_ms is not None:
            ends = min(ends, key.settings.expires_at_ms)
        return dataclasses.replace(key, settings=dataclasses.replace(key.settings, expires_at_ms=ends))

    def _new(self, account_id: str, settings: KeySettings) -> tuple[StoredKey, str]:
        key = api_keys.generate(account_id, self._random_bits)
        key_id = "key_" + base62.encode(self._random_bits(71), _KEY_ID_WIDTH)
        return StoredKey(key_id, key.digest, key.display, settings, self._now_ms()), key.text

    def _require_room(self, account_id: str, max_working: int) -> None:
        """Refuse more keys than an account may have; two requests at a time may go one over, which harms nobody."""
        now_ms = self._now_ms()
        keys = self._store.all(account_id)
        working = [key for key in keys if key.state(now_ms) is KeyState.ACTIVE]
        if len(working) >= max_working or len(keys) >= MAX_LISTED_KEYS:
            raise Conflict(
                f"An account may have {MAX_KEYS} working keys at most, and {MAX_LISTED_KEYS} with the expired ones.",
                details={"reason": "too_many_keys", "max": MAX_KEYS},
            )
