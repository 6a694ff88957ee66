"""How bodies for API keys are read and how answers look."""

from __future__ import annotations

import pytest

from auth_service.cognito import Tokens
from auth_service.http.request_models import CreateApiKey, UpdateApiKey
from auth_service.http.responses import changed_settings, read_settings, show_account, show_key, show_tokens
from auth_service.model import Account, KeySettings
from kv_common.api_keys import Scope
from kv_common.errors import ValidationError
from kv_common.json.strict import decode_object
from tests.unit.auth.fakes import ACCOUNT, DAY_MS, NOW_MS, key


def test_a_new_key_is_for_everything_and_never_expires_unless_its_owner_says_so() -> None:
    assert read_settings(CreateApiKey(), NOW_MS) == KeySettings("", ("*",), frozenset(Scope), None)


def test_a_new_key_is_what_its_owner_says() -> None:
    body = b'{"name":"ci","namespaces":["b","a"],"scopes":["read"],"expires_at":"2027-01-31T12:00:00Z"}'

    assert read_settings(decode_object(body, CreateApiKey), NOW_MS) == KeySettings(
        "ci", ("a", "b"), frozenset({Scope.READ}), 1_801_396_800_000
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"a\\u0000"}', b'{"namespaces":[]}', b'{"namespaces":["A"]}', b'{"scopes":[]}', b'{"scopes":["all"]}',
        b'{"expires_at":"2020-01-01T00:00:00Z"}', b'{"expires_at":""}', b'{"scope":["read"]}', b'{"name":null}',
    ],
)  # fmt: skip
def test_a_new_key_that_breaks_a_rule_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        read_settings(decode_object(body, CreateApiKey), NOW_MS)


OLD = KeySettings("old", ("a",), frozenset({Scope.READ}), NOW_MS + DAY_MS)


def change(body: bytes) -> KeySettings:
    return changed_settings(OLD, decode_object(body, UpdateApiKey), NOW_MS)


def test_what_a_change_does_not_name_stays() -> None:
    assert change(b"{}") == OLD
    assert change(b'{"name":"new"}') == KeySettings("new", OLD.namespaces, OLD.scopes, OLD.expires_at_ms)
    assert change(b'{"namespaces":["*"]}') == KeySettings("old", ("*",), OLD.scopes, OLD.expires_at_ms)
    assert change(b'{"scopes":["list"]}') == KeySettings("old", ("a",), frozenset({Scope.LIST}), OLD.expires_at_ms)


def test_an_expiry_of_null_means_never_and_an_absent_one_stays() -> None:
    assert change(b'{"expires_at":null}').expires_at_ms is None
    assert change(b'{"expires_at":"2027-01-31T12:00:00Z"}').expires_at_ms == 1_801_396_800_000


@pytest.mark.parametrize("body", [b'{"scopes":[]}', b'{"namespaces":[]}', b'{"expires_at":"2020-01-01T00:00:00Z"}'])
def test_a_change_that_breaks_a_rule_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        change(body)


def test_a_key_is_shown_masked_and_without_its_digest() -> None:
    stored = key(display="kv_live_abcd")

    shown = show_key(stored, NOW_MS)

    assert shown == {
        "id": stored.id,
        "name": "ci",
        "display": "kv_live_abcd…",
        "namespaces": ("*",),
        "scopes": ["delete", "list", "read", "write"],
        "status": "active",
        "created_at": "2026-11-19T12:00:00.001Z",
    }


def test_a_key_shows_its_end_use_and_successor_where_it_has_them() -> None:
    stored = key(expires_at_ms=NOW_MS, last_used_at_ms=NOW_MS - 60_000, rotated_to="key_000000000002")

    shown = show_key(stored, NOW_MS)

    assert shown["status"] == "expired"
    assert shown["expires_at"] == "2026-11-20T12:00:00.000Z"
    assert shown["last_used_at"] == "2026-11-20T11:59:00.000Z"
    assert shown["rotated_to"] == "key_000000000002"


def test_a_session_shows_a_refresh_token_only_when_there_is_a_new_one() -> None:
    assert show_tokens(Tokens("a", "r", 3_600)) == {
        "access_token": "a", "expires_in": 3_600, "token_type": "Bearer", "refresh_token": "r",
    }  # fmt: skip
    assert "refresh_token" not in show_tokens(Tokens("a", None, 3_600))


def test_an_account_is_shown_to_its_owner() -> None:
    assert show_account(Account(ACCOUNT, "a@b.de", "free", NOW_MS), email_verified=True) == {
        "user_id": ACCOUNT,
        "email": "a@b.de",
        "email_verified": True,
        "plan": "free",
        "created_at": "2026-11-20T12:00:00.000Z",
    }
