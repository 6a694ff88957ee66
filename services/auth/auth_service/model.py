"""Accounts and API keys, and their rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from kv_common import identifiers
from kv_common.api_keys import ANY_NAMESPACE, Scope
from kv_common.errors import Forbidden, NotFound, Unauthorized, ValidationError, field_error

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_KEYS = 100
MAX_LISTED_KEYS = 1_000  # rotated keys stay listed until they are deleted, or dead for a month
MAX_NAME = 100
MAX_NAMESPACES_PER_KEY = 50
MIN_PASSWORD = 8
MAX_PASSWORD = 256  # Cognito's own
MAX_EMAIL = 254
MAX_GRACE_S = 30 * 86_400
RECENT_LOGIN_S = 600

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMESTAMP_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
CODE_PATTERN = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)
KEY_ID_PATTERN = re.compile(r"key_[0-9A-Za-z]{12}", re.ASCII)
REFRESH_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9=_.-]{1,8192}", re.ASCII)
# HTML's definition of an address, with a dot after the @, in ASCII: SES sends to no other. Only the mail shows
# whether the address can be reached.
EMAIL_PATTERN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Outdated(Exception):
    """The key was changed or deleted since it was read."""


class KeyState(StrEnum):
    """Whether a key is accepted; an expired key stays listed until it is deleted."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Account:
    """An account; its id is Cognito's `sub`."""

    id: str
    email: str
    plan: str
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class KeySettings:
    """The settings of a key; `expires_at_ms` is None for never."""

    name: str
    namespaces: tuple[str, ...]
    scopes: frozenset[Scope]
    expires_at_ms: int | None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as its account lists it; of the key itself only the digest and the first characters are known.

    `revision` counts its changes, so that one that was decided on an older state is not stored over a newer.
    """

    id: str
    digest: str
    display: str
    settings: KeySettings
    created_at_ms: int
    rotated_to: str | None = None
    last_used_at_ms: int | None = None
    revision: int = 1

    def state(self, now_ms: int) -> KeyState:
        """Return whether the key is accepted at `now_ms`."""
        expires = self.settings.expires_at_ms
        return KeyState.EXPIRED if expires is not None and expires <= now_ms else KeyState.ACTIVE


def email(text: str) -> str:
    """Return an e-mail address in the form accounts are kept under; ValidationError when it is none."""
    if len(text) > MAX_EMAIL or not EMAIL_PATTERN.fullmatch(text):
        raise field_error("email", "invalid_format", "This is not an e-mail address.")
    return text.lower()


def password(text: str) -> str:
    """Return `text` if it may be a password."""
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise field_error("password", "invalid_format", f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    return text


def given_password(text: str) -> str:
    """Return `text` if it can be a password; Unauthorized otherwise, as for a wrong password."""
    if not 1 <= len(text) <= MAX_PASSWORD:
        raise Unauthorized("The e-mail address or the password is wrong.")
    return text


def code(text: str) -> str:
    """Return a code from a mail."""
    if not CODE_PATTERN.fullmatch(text):
        raise field_error("code", "wrong_code", "The code is wrong or has expired.")
    return text


def refresh_token(text: str) -> str:
    """Return what may be a refresh token."""
    if not REFRESH_TOKEN_PATTERN.fullmatch(text):
        raise Unauthorized("The session has ended. Please log in.")
    return text


def key_id(text: str) -> str:
    """Return what may be a key's id; what may not be is a key that does not exist."""
    if not KEY_ID_PATTERN.fullmatch(text):
        raise no_such_key()
    return text


def no_such_key() -> NotFound:
    """Return the error of a key that is missing or another account's, which look the same."""
    return NotFound("There is no such API key.", details={"resource": "api_key"})


def key_name(text: str) -> str:
    """Return `text` if it may be a key's name."""
    if len(text) > MAX_NAME or not text.isprintable():
        raise field_error("name", "invalid_format", f"A key's name is at most {MAX_NAME} printable characters.")
    return text


def scopes(wanted: Collection[str]) -> frozenset[Scope]:
    """Return the scopes of a key; at least one, and none twice."""
    known = {str(scope) for scope in Scope}
    if not wanted or len(set(wanted)) != len(wanted) or not set(wanted) <= known:
        raise field_error(
            "scopes", "invalid_list", "The scopes are one or more of read, write, delete and list, each once."
        )
    return frozenset(Scope(scope) for scope in wanted)


def namespaces(wanted: Collection[str]) -> tuple[str, ...]:
    """Return the namespaces of a key: `*` alone for all, or up to MAX_NAMESPACES_PER_KEY names, existing or not."""
    if list(wanted) == [ANY_NAMESPACE]:
        return (ANY_NAMESPACE,)
    distinct = sorted(set(wanted))
    if not 1 <= len(wanted) <= MAX_NAMESPACES_PER_KEY or len(distinct) != len(wanted):
        raise field_error(
            "namespaces", "invalid_list", f'The namespaces are ["*"] or 1 to {MAX_NAMESPACES_PER_KEY} names, each once.'
        )
    return tuple(identifiers.namespace(name) for name in distinct)


def distinct_scopes(wanted: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """Return the scopes as they were sent, if they may be those of a key."""
    scopes(wanted)
    return wanted


def key_namespace(text: str) -> str:
    """Return `text` if a key may be limited to it: the name of a namespace, or `*`."""
    return text if text == ANY_NAMESPACE else identifiers.namespace(text)


def expiry(text: str, now_ms: int) -> int:
    """Return the time (ms) of an ISO 8601 timestamp with a UTC offset, which must be after `now_ms`."""
    milliseconds = _milliseconds(text)
    if milliseconds <= now_ms:
        raise _bad_expiry("must be in the future")
    return milliseconds


def expiry_text(text: str) -> str:
    """Return `text` if it is an ISO 8601 timestamp with a UTC offset."""
    _milliseconds(text)
    return text


def grace_seconds(seconds: int) -> int:
    """Return `seconds` if a rotated key may remain valid that long."""
    if not 0 <= seconds <= MAX_GRACE_S:
        raise field_error("grace_seconds", "out_of_range", f"The grace is 0 to {MAX_GRACE_S} seconds (30 days).")
    return seconds


def require_recent_login(signed_in_at_s: object, now_ms: int) -> None:
    """Raise Forbidden unless the session began with a login less than RECENT_LOGIN_S ago.

    `signed_in_at_s` is the token's `auth_time`, which stays what it was however often a session is refreshed.
    """
    if not isinstance(signed_in_at_s, int) or now_ms - signed_in_at_s * 1000 >= RECENT_LOGIN_S * 1000:
        raise Forbidden(
            f"Please log in again: this takes a login of the last {RECENT_LOGIN_S // 60} minutes.",
            details={"reason": "recent_login_required"},
        )


def account_deleted() -> Unauthorized:
    """Return the error of a session whose account is deleted."""
    return Unauthorized("The account has been deleted.", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _milliseconds(text: str) -> int:
    if not TIMESTAMP_PATTERN.fullmatch(text):
        raise _bad_expiry("is an ISO 8601 time with a UTC offset, such as 2027-01-31T12:00:00Z")
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _bad_expiry("is not a valid time") from error
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _bad_expiry(what: str) -> ValidationError:
    return field_error("expires_at", "invalid_format", f"expires_at {what}.")
