"""Deletion of the data of a closed account."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auth_service.cognito_admin import CognitoAdmin
    from auth_service.persistence import AccountStore, KeyStore
    from kv_common.clock import Clock


class Deletion:
    """Deletes the keys, the user and the record of closed accounts.

    It may fail between any two steps: the last step deletes the data that the others need.
    """

    def __init__(self, accounts: AccountStore, keys: KeyStore, users: CognitoAdmin, *, now_ms: Clock) -> None:
        self._accounts = accounts
        self._keys = keys
        self._users = users
        self._now_ms = now_ms

    def finish(self, account_id: str) -> None:
        """Delete the account's data; idempotent."""
        # Keys first: they are rejected even if a later step fails.
        self._keys.close_all(account_id)
        username = self._accounts.username(account_id)
        if username is not None:
            self._users.delete(username, account_id)
        self._accounts.forget(account_id, now_ms=self._now_ms())
