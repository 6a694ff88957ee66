"""Request bodies for API keys, and response bodies of auth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from auth_service.cognito import Tokens
from auth_service.http import response_models
from auth_service.http.request_models import CreateApiKey, UpdateApiKey
from auth_service.model import Account, KeySettings
from kv_common.api_keys import Scope
from kv_common.errors import ValidationError
from kv_common.http.models import decode_body
from tests.unit.auth.fakes import ACCOUNT, DAY_MS, NOW_MS, key

if TYPE_CHECKING:
    from kv_common.http.models import ResponseModel


def shown(model: ResponseModel) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(model.to_json())
    return body


def test_new_key_without_settings_allows_everything_and_never_expires() -> None:
    assert CreateApiKey().settings(NOW_MS) == KeySettings("", ("*",), frozenset(Scope), None)


def test_new_key_has_the_settings_of_the_body() -> None:
    body = b'{"name":"ci","namespaces":["b","a"],"scopes":["read"],"expires_at":"2027-01-31T12:00:00Z"}'

    assert decode_body(body, CreateApiKey).settings(NOW_MS) == KeySettings(
        "ci", ("a", "b"), frozenset({Scope.READ}), 1_801_396_800_000
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"a\\u0000"}', b'{"namespaces":[]}', b'{"namespaces":["A"]}', b'{"scopes":[]}', b'{"scopes":["all"]}',
        b'{"expires_at":"2020-01-01T00:00:00Z"}', b'{"expires_at":""}', b'{"scope":["read"]}', b'{"name":null}',
    ],
)  # fmt: skip
def test_body_of_a_new_key_that_breaks_a_rule_is_rejected(body: bytes) -> None:
    with pytest.raises(ValidationError):
        decode_body(body, CreateApiKey).settings(NOW_MS)


OLD = KeySettings("old", ("a",), frozenset({Scope.READ}), NOW_MS + DAY_MS)


def test_every_wrong_field_of_a_new_key_is_listed() -> None:
    body = b'{"name":"\\u0000","namespaces":["ok","Bad"],"scopes":["all"],"expires_at":"soon","more":1}'

    with pytest.raises(ValidationError) as refusal:
        decode_body(body, CreateApiKey)

    assert {(one.field, one.code) for one in refusal.value.fields} == {
        ("name", "invalid_format"),
        ("namespaces.1", "invalid_format"),
        ("scopes.0", "not_allowed"),
        ("expires_at", "invalid_format"),
        ("more", "unknown_field"),
    }


@pytest.mark.parametrize("body", [b'{"name":null}', b'{"namespaces":null}', b'{"scopes":null}'])
def test_only_the_expiry_may_be_null(body: bytes) -> None:
    with pytest.raises(ValidationError):
        change(body)


def change(body: bytes) -> KeySettings:
    return decode_body(body, UpdateApiKey).applied_to(OLD, NOW_MS)


def test_absent_fields_of_a_change_keep_their_value() -> None:
    assert change(b"{}") == OLD
    assert change(b'{"name":"new"}') == KeySettings("new", OLD.namespaces, OLD.scopes, OLD.expires_at_ms)
    assert change(b'{"namespaces":["*"]}') == KeySettings("old", ("*",), OLD.scopes, OLD.expires_at_ms)
    assert change(b'{"scopes":["list"]}') == KeySettings("old", ("a",), frozenset({Scope.LIST}), OLD.expires_at_ms)


def test_null_expiry_means_never_and_an_absent_one_is_kept() -> None:
    assert change(b'{"expires_at":null}').expires_at_ms is None
    assert change(b'{"expires_at":"2027-01-31T12:00:00Z"}').expires_at_ms == 1_801_396_800_000


@pytest.mark.parametrize("body", [b'{"scopes":[]}', b'{"namespaces":[]}', b'{"expires_at":"2020-01-01T00:00:00Z"}'])
def test_change_that_breaks_a_rule_is_rejected(body: bytes) -> None:
    with pytest.raises(ValidationError):
        change(body)


def test_key_is_returned_masked_and_without_its_digest() -> None:
    stored = key(display="kv_live_abcd")

    body = shown(response_models.ApiKey.of(stored, NOW_MS))

    assert body == {
        "id": stored.id,
        "name": "ci",
        "display": "kv_live_abcd…",
        "namespaces": ["*"],
        "scopes": ["delete", "list", "read", "write"],
        "status": "active",
        "created_at": "2026-11-19T12:00:00.001Z",
    }


def test_key_has_expiry_last_use_and_successor_only_when_set() -> None:
    stored = key(expires_at_ms=NOW_MS, last_used_at_ms=NOW_MS - 60_000, rotated_to="key_000000000002")

    body = shown(response_models.ApiKey.of(stored, NOW_MS))

    assert body["status"] == "expired"
    assert body["expires_at"] == "2026-11-20T12:00:00.000Z"
    assert body["last_used_at"] == "2026-11-20T11:59:00.000Z"
    assert body["rotated_to"] == "key_000000000002"


def test_tokens_have_a_refresh_token_only_when_there_is_a_new_one() -> None:
    assert shown(response_models.Tokens.of(Tokens("a", "r", 3_600))) == {
        "access_token": "a", "expires_in": 3_600, "token_type": "Bearer", "refresh_token": "r",
    }  # fmt: skip
    assert "refresh_token" not in shown(response_models.Tokens.of(Tokens("a", None, 3_600)))


def test_account_response_has_the_profile_and_the_plan() -> None:
    assert shown(response_models.Account.of(Account(ACCOUNT, "a@b.de", "free", NOW_MS), email_verified=True)) == {
        "user_id": ACCOUNT,
        "email": "a@b.de",
        "email_verified": True,
        "plan": "free",
        "created_at": "2026-11-20T12:00:00.000Z",
    }
