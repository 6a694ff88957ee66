"""How bodies for API keys are read and how answers look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from auth_service import model as domain
from auth_service.model import Account, KeySettings, StoredKey
from kv_common.clock import timestamp

if TYPE_CHECKING:
    from auth_service.cognito import Tokens
    from auth_service.http.request_models import CreateApiKey, UpdateApiKey


def read_settings(body: CreateApiKey, now_ms: int) -> KeySettings:
    """Return the settings of a new key."""
    return KeySettings(
        name=domain.key_name(body.name),
        namespaces=domain.namespaces(body.namespaces),
        scopes=domain.scopes(body.scopes),
        expires_at_ms=None if body.expires_at is None else domain.expiry(body.expires_at, now_ms),
    )


def changed_settings(settings: KeySettings, change: UpdateApiKey, now_ms: int) -> KeySettings:
    """Return `settings` with what `change` names."""
    expires_at_ms = settings.expires_at_ms
    if change.expires_at is not UNSET:
        expires_at_ms = None if change.expires_at is None else domain.expiry(change.expires_at, now_ms)
    return KeySettings(
        name=settings.name if change.name is UNSET else domain.key_name(change.name),
        namespaces=settings.namespaces if change.namespaces is UNSET else domain.namespaces(change.namespaces),
        scopes=settings.scopes if change.scopes is UNSET else domain.scopes(change.scopes),
        expires_at_ms=expires_at_ms,
    )


def show_key(key: StoredKey, now_ms: int) -> dict[str, object]:
    """Return a key as the API shows it: masked, for nobody has the whole."""
    settings = key.settings
    shown: dict[str, object] = {
        "id": key.id,
        "name": settings.name,
        "display": f"{key.display}…",
        "namespaces": settings.namespaces,
        "scopes": sorted(settings.scopes),
        "status": key.state(now_ms),
        "created_at": timestamp(key.created_at_ms),
    }
    if settings.expires_at_ms is not None:
        shown["expires_at"] = timestamp(settings.expires_at_ms)
    if key.last_used_at_ms is not None:
        shown["last_used_at"] = timestamp(key.last_used_at_ms)
    if key.rotated_to is not None:
        shown["rotated_to"] = key.rotated_to
    return shown


def show_tokens(tokens: Tokens) -> dict[str, object]:
    """Return a session as the API shows it."""
    shown: dict[str, object] = {
        "access_token": tokens.access_token,
        "expires_in": tokens.expires_in,
        "token_type": "Bearer",
    }
    if tokens.refresh_token is not None:
        shown["refresh_token"] = tokens.refresh_token
    return shown


def show_account(account: Account, *, email_verified: bool) -> dict[str, object]:
    """Return an account as its owner sees it."""
    return {
        "user_id": account.id,
        "email": account.email,
        "email_verified": email_verified,
        "plan": account.plan,
        "created_at": timestamp(account.created_at_ms),
    }
