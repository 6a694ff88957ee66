"""What is left to do for an account that was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auth_service.cognito_admin import CognitoAdmin
    from auth_service.persistence import AccountStore, KeyStore
    from kv_common.clock import Clock


class Deletion:
    """Removes all that auth and the user pool hold of closed accounts.

    It may die between any two steps: what a step needs to know is removed by the last one only.
    """

    def __init__(self, accounts: AccountStore, keys: KeyStore, users: CognitoAdmin, *, now_ms: Clock) -> None:
        self._accounts = accounts
        self._keys = keys
        self._users = users
        self._now_ms = now_ms

    def finish(self, account_id: str) -> None:
        """Remove the account; harmless to repeat."""
        # Keys first: whatever else fails, they open nothing.
        self._keys.close_all(account_id)
        username = self._accounts.username(account_id)
        if username is not None:
            self._users.delete(username, account_id)
        self._accounts.forget(account_id, now_ms=self._now_ms())
