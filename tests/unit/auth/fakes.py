"""auth's ports, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from auth_service.cognito import Cognito, Profile, Tokens
from auth_service.model import Account, KeySettings, Outdated, StoredKey, account_deleted, no_such_key
from auth_service.persistence import AccountStore, KeyStore
from kv_common.api_keys import Scope
from kv_common.errors import Unauthorized

if TYPE_CHECKING:
    from kv_common.events import Event

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
OTHER = "00000000-0000-4000-8000-000000000001"
NOW_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
DAY_MS = 86_400_000

SETTINGS = KeySettings("ci", ("*",), frozenset(Scope), None)


def key(number: int = 1, **changes: Any) -> StoredKey:
    """Return a stored key; `expires_at_ms` among the changes goes into its settings."""
    settings = replace(SETTINGS, expires_at_ms=changes.pop("expires_at_ms", None))
    made = StoredKey(f"key_{number:012}", f"{number:064x}", "kv_live_…", settings, NOW_MS - DAY_MS + number)
    return replace(made, **changes)


class FakeKeyStore(KeyStore):
    """Keys of accounts, with the conditions that the tables hold."""

    def __init__(self, **keys: tuple[StoredKey, ...]) -> None:
        self.keys: dict[tuple[str, str], StoredKey] = {}
        self.revoked: list[str] = []
        self.events: list[Event] = []
        for account_id, listed in keys.items():
            for one in listed:
                self.keys[account_id, one.id] = one

    def all(self, account_id: str) -> tuple[StoredKey, ...]:
        mine = [one for (owner, _), one in self.keys.items() if owner == account_id]
        return tuple(sorted(mine, key=lambda one: one.created_at_ms))

    def get(self, account_id: str, key_id: str) -> StoredKey:
        if (account_id, key_id) not in self.keys:
            raise no_such_key()
        return self.keys[account_id, key_id]

    def add(self, account_id: str, key: StoredKey, event: Event) -> None:
        self.keys[account_id, key.id] = key
        self.events.append(event)

    def change(self, account_id: str, key: StoredKey) -> None:
        self.get(account_id, key.id)
        self.keys[account_id, key.id] = key

    def rotate(self, account_id: str, old: StoredKey, new: StoredKey, event: Event) -> None:
        if self.get(account_id, old.id).rotated_to is not None:
            raise Outdated
        self.keys[account_id, old.id] = old
        self.keys[account_id, new.id] = new
        self.events.append(event)

    def revoke(self, account_id: str, key: StoredKey, event: Event) -> None:
        self.events.append(event)
        self.revoked.append(key.digest)
        self.keys.pop((account_id, key.id), None)


class FakeAccountStore(AccountStore):
    """Accounts; adding one that is there changes nothing, and one that was closed stays so."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.closed: dict[str, str] = {}
        self.events: list[Event] = []

    def get(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def require_open(self, account_id: str) -> None:
        if account_id in self.closed:
            raise account_deleted()

    def close(self, account_id: str, username: str, event: Event, *, now_ms: int) -> None:  # noqa: ARG002
        self.require_open(account_id)
        self.closed[account_id] = username
        self.events.append(event)

    def add(self, account: Account, event: Event) -> None:
        self.require_open(account.id)
        if account.id not in self.accounts:
            self.accounts[account.id] = account
            self.events.append(event)


class FakeCognito(Cognito):
    """A user pool: addresses with their password and profile."""

    def __init__(self) -> None:
        self.users: dict[str, tuple[str, Profile]] = {}
        self.mailed: list[str] = []

    def sign_up(self, email: str, password: str) -> None:
        self.users.setdefault(email, (password, Profile(ACCOUNT, ACCOUNT, email, email_verified=False)))

    def confirm(self, email: str, code: str) -> None:  # noqa: ARG002
        password, profile = self.users[email]
        self.users[email] = (password, replace(profile, email_verified=True))

    def resend(self, email: str) -> None:
        self.mailed.append(email)

    def forgot_password(self, email: str) -> None:
        self.mailed.append(email)

    def log_in(self, email: str, password: str) -> Tokens:
        if email not in self.users or self.users[email][0] != password:
            raise Unauthorized("The e-mail address or the password is wrong.")
        return Tokens(f"access:{email}", "refresh", 3_600)

    def refresh(self, refresh_token: str) -> Tokens:  # noqa: ARG002
        raise Unauthorized("The session has ended. Please log in.")

    def profile(self, access_token: str) -> Profile:
        return self.users[access_token.removeprefix("access:")][1]
