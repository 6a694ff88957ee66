"""Binds auth's dependencies, once per process and at its first request."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auth_service import cognito
from auth_service.cognito import Cognito
from auth_service.persistence import AccountStore, KeyStore
from auth_service.service import Accounts, Keys
from auth_service.settings import Settings
from kv_common import dynamodb
from kv_common.auth.access_tokens import lazy_verifier
from kv_common.clock import now_ms
from kv_common.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.auth.verifier import AccessToken


@dataclass(frozen=True, slots=True)
class Auth:
    """All that the routes need."""

    settings: Settings
    identity: Cognito
    accounts: Accounts
    keys: Keys
    verify_token: Callable[[str], AccessToken]
    now_ms: Callable[[], int]
    check: Callable[[], object]


def bootstrap(env: Mapping[str, str] = os.environ) -> Auth:
    """Return auth with real clocks, randomness and clients."""
    settings = Settings.from_env(env)
    client = dynamodb.client()
    # Imports boto3, which requests for API keys do not need.
    users = Cognito(lazy(cognito.client), settings.client_id)
    accounts = AccountStore(client, settings.table)
    return Auth(
        settings=settings,
        identity=users,
        accounts=Accounts(users, accounts, now_ms=now_ms),
        keys=Keys(
            KeyStore(client, settings.table, settings.credentials_table),
            now_ms=now_ms,
            random_bits=secrets.randbits,
        ),
        verify_token=lazy_verifier(settings.token_issuer, settings.jwks_url, (settings.client_id,)),
        now_ms=now_ms,
        check=lambda: accounts.get("health"),
    )
