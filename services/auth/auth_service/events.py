"""auth's events, each with the id that makes it unique."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.events import AccountCreated, AccountDeleted, ApiKeyIssued, ApiKeyRevoked, Event

if TYPE_CHECKING:
    from auth_service.model import Account, StoredKey


def account_created(account: Account, correlation_id: str) -> Event:
    """Return the event of an account that was first seen with a session."""
    return Event(
        id=f"{account.id}#created",
        account_id=account.id,
        correlation_id=correlation_id,
        occurred_at_us=account.created_at_ms * 1000,
        data=AccountCreated(email=account.email),
    )


def account_deleted(account_id: str, correlation_id: str, *, now_ms: int) -> Event:
    """Return the event of a deleted account."""
    return Event(
        id=f"{account_id}#deleted",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_ms * 1000,
        data=AccountDeleted(),
    )


def key_issued(account_id: str, key: StoredKey, correlation_id: str) -> Event:
    """Return the event of a new key."""
    settings = key.settings
    return Event(
        id=f"{key.id}#issued",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=key.created_at_ms * 1000,
        data=ApiKeyIssued(
            key_id=key.id, display=key.display, namespaces=settings.namespaces, scopes=tuple(sorted(settings.scopes))
        ),
    )


def key_revoked(account_id: str, key: StoredKey, correlation_id: str, *, now_ms: int) -> Event:
    """Return the event of a deleted key."""
    return Event(
        id=f"{key.id}#revoked",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_ms * 1000,
        data=ApiKeyRevoked(key_id=key.id, display=key.display, digest=key.digest, reason="deleted"),
    )
