"""auth's routes, with fakes for all that is outside."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from auth_service.container import Auth
from auth_service.http.app import create_app
from auth_service.service import Accounts, Keys
from auth_service.settings import Settings
from kv_common import api_keys
from kv_common.auth.verifier import AccessToken
from kv_common.errors import Unauthorized, Unavailable
from tests.unit.auth.fakes import ACCOUNT, NOW_MS, OTHER, FakeAccountStore, FakeCognito, FakeKeyStore, key
from tests.unit.common import gateway
from tests.unit.common.gateway import Context, error_of


class Harness:
    """The service over fakes, and a client of it; the token of an account is `access:<its address>`."""

    def __init__(self) -> None:
        self.pool, self.register, self.keyring = FakeCognito(), FakeAccountStore(), FakeKeyStore()
        self.healthy = True
        self.signed_in_at_s = NOW_MS // 1000
        self.api = create_app(self._auth)

    def _auth(self) -> Auth:
        chance = random.Random(7)
        return Auth(
            settings=Settings(
                table="auth",
                credentials_table="credentials",
                user_pool_id="pool",
                client_id="client",
                token_issuer="https://issuer",
                jwks_url="https://jwks",
                region="eu",
                hosted_ui_domain=None,
            ),
            identity=self.pool,
            accounts=Accounts(self.pool, self.register, now_ms=lambda: NOW_MS),
            keys=Keys(self.keyring, now_ms=lambda: NOW_MS, random_bits=chance.getrandbits),
            verify_token=self._verify,
            now_ms=lambda: NOW_MS,
            check=self._check,
        )

    def _verify(self, token: str) -> AccessToken:
        address = token.removeprefix("access:")
        if address not in self.pool.users:
            raise Unauthorized("The access token is not valid.")
        return AccessToken(self.pool.users[address][1].id, {"auth_time": self.signed_in_at_s})

    def _check(self) -> None:
        if not self.healthy:
            raise Unavailable

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = "access:a@b.de", query: str = ""
    ) -> dict[str, Any]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        event = gateway.event(method, path, query=query, headers=headers, body=text)
        answer: dict[str, Any] = self.api(event, Context())
        return answer


@pytest.fixture
def harness() -> Harness:
    made = Harness()
    made.pool.sign_up("a@b.de", "password")
    return made


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def test_signing_up_answers_alike_for_a_new_address_and_a_taken_one() -> None:
    harness = Harness()
    sign_up = {"email": "A@B.de", "password": "password"}

    new = harness.ask("POST", "/v1/auth/signup", sign_up, token=None)
    taken = harness.ask("POST", "/v1/auth/signup", sign_up, token=None)

    assert (new["statusCode"], taken["statusCode"]) == (201, 201)
    assert body_of(new)["status"] == body_of(taken)["status"] == "confirmation_required"
    assert set(body_of(new)) == set(body_of(taken))
    assert set(new["headers"]) == set(taken["headers"])
    assert list(harness.pool.users) == ["a@b.de"]


@pytest.mark.parametrize("route", ["resend", "forgot-password"])
def test_asking_for_mail_answers_alike_for_every_address(harness: Harness, route: str) -> None:
    answers = [
        harness.ask("POST", f"/v1/auth/{route}", {"email": email}, token=None) for email in ("a@b.de", "nobody@b.de")
    ]

    assert [(answer["statusCode"], answer["body"]) for answer in answers] == [(204, "")] * 2


def test_logging_in_answers_with_a_session_or_the_one_refusal(harness: Harness) -> None:
    good = harness.ask("POST", "/v1/auth/login", {"email": "A@b.de", "password": "password"}, token=None)
    wrong = harness.ask("POST", "/v1/auth/login", {"email": "a@b.de", "password": "wrong"}, token=None)
    missing = harness.ask("POST", "/v1/auth/login", {"email": "x@b.de", "password": "password"}, token=None)

    assert (good["statusCode"], body_of(good)["token_type"]) == (200, "Bearer")
    assert good["headers"]["Cache-Control"] == "no-store"
    assert [wrong["statusCode"], missing["statusCode"]] == [401, 401]
    assert error_of(wrong)["message"] == error_of(missing)["message"]


def test_an_account_sees_itself(harness: Harness) -> None:
    assert body_of(harness.ask("GET", "/v1/auth/me")) == {
        "user_id": ACCOUNT,
        "email": "a@b.de",
        "email_verified": False,
        "plan": "free",
        "created_at": "2026-11-20T12:00:00.000Z",
    }


def test_a_deleted_accounts_session_opens_nothing_any_more(harness: Harness) -> None:
    harness.ask("POST", "/v1/api-keys", {"name": "ci"})
    [made] = harness.keyring.all(ACCOUNT)

    answer = harness.ask("DELETE", "/v1/auth/me")

    assert (answer["statusCode"], body_of(answer)) == (202, {"status": "deleting"})
    for method, path in PROTECTED:
        later = harness.ask(method, path.replace("key_000000000001", made.id), "{}")
        assert (later["statusCode"], error_of(later)["code"]) == (401, "UNAUTHORIZED"), (method, path)
    assert harness.keyring.all(ACCOUNT) == (made,)


def test_deleting_an_account_takes_a_recent_login(harness: Harness) -> None:
    harness.signed_in_at_s -= 3_600

    answer = harness.ask("DELETE", "/v1/auth/me")

    assert (answer["statusCode"], error_of(answer)["code"]) == (403, "FORBIDDEN")
    assert error_of(answer)["details"] == {"reason": "recent_login_required"}
    assert harness.ask("GET", "/v1/auth/me")["statusCode"] == 200


PROTECTED = [
    ("GET", "/v1/auth/me"),
    ("DELETE", "/v1/auth/me"),
    ("POST", "/v1/api-keys"),
    ("GET", "/v1/api-keys"),
    ("GET", "/v1/api-keys/key_000000000001"),
    ("PATCH", "/v1/api-keys/key_000000000001"),
    ("DELETE", "/v1/api-keys/key_000000000001"),
    ("POST", "/v1/api-keys/key_000000000001/rotate"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("token", [None, "access:nobody@b.de"], ids=["none", "invalid"])
def test_what_belongs_to_an_account_needs_its_token_before_anything_else(
    harness: Harness, method: str, path: str, token: str | None
) -> None:
    answer = harness.ask(method, path, "{", token=token)

    assert answer["statusCode"] == 401
    assert error_of(answer)["code"] == "UNAUTHORIZED"


def test_a_key_is_made_shown_once_listed_masked_changed_rotated_and_deleted(harness: Harness) -> None:
    made = harness.ask("POST", "/v1/api-keys", {"name": "ci", "scopes": ["read"]})
    text, key_id = body_of(made)["key"], body_of(made)["id"]
    assert made["statusCode"] == 201
    assert made["headers"]["Cache-Control"] == "no-store"
    assert api_keys.parse(text) is not None

    shown = harness.ask("GET", f"/v1/api-keys/{key_id}")
    listed = harness.ask("GET", "/v1/api-keys")
    changed = harness.ask("PATCH", f"/v1/api-keys/{key_id}", {"name": "cd"})
    rotated = harness.ask("POST", f"/v1/api-keys/{key_id}/rotate", {"grace_seconds": 60})
    for later in (shown, listed, changed):
        assert later["statusCode"] == 200
        assert text not in later["body"]
        assert text[-20:] not in later["body"]
    assert body_of(listed)["api_keys"] == [body_of(shown)]
    assert body_of(changed) == {**body_of(shown), "name": "cd"}
    assert rotated["statusCode"] == 201
    assert body_of(rotated)["key"] != text
    old = body_of(harness.ask("GET", f"/v1/api-keys/{key_id}"))
    assert old["expires_at"] == "2026-11-20T12:01:00.000Z"
    assert old["rotated_to"] == body_of(rotated)["id"]

    assert harness.ask("DELETE", f"/v1/api-keys/{key_id}")["statusCode"] == 204
    assert harness.ask("GET", f"/v1/api-keys/{key_id}")["statusCode"] == 404


def test_a_key_for_everything_is_made_without_a_body(harness: Harness) -> None:
    made = body_of(harness.ask("POST", "/v1/api-keys"))

    assert made["namespaces"] == ["*"]
    assert made["scopes"] == ["delete", "list", "read", "write"]
    assert "expires_at" not in made


@pytest.mark.parametrize(("method", "path"), PROTECTED[4:])
def test_another_accounts_key_is_the_same_404_as_a_missing_one(harness: Harness, method: str, path: str) -> None:
    body = {"grace_seconds": 0} if path.endswith("rotate") else {}
    missing = harness.ask(method, path, body)
    harness.keyring.keys[OTHER, key(1).id] = key(1)
    foreign = harness.ask(method, path, body)

    assert (missing["statusCode"], foreign["statusCode"]) == (404, 404)
    assert {**error_of(missing), "correlation_id": ""} == {**error_of(foreign), "correlation_id": ""}
    assert harness.keyring.keys == {(OTHER, key(1).id): key(1)}


@pytest.mark.parametrize(
    "body",
    [{}, {"grace_seconds": -1}, {"grace_seconds": 2_592_001}, {"grace_seconds": "60"}, {"grace_seconds": 1.5},
     {"grace_seconds": True}, {"grace": 1}],
    ids=str,
)  # fmt: skip
def test_a_grace_that_is_none_is_refused_and_rotates_nothing(harness: Harness, body: dict[str, object]) -> None:
    harness.keyring.keys[ACCOUNT, key(1).id] = key(1)

    assert harness.ask("POST", f"/v1/api-keys/{key(1).id}/rotate", body)["statusCode"] == 400
    assert harness.keyring.get(ACCOUNT, key(1).id) == key(1)


@pytest.mark.parametrize("route", ["signup", "confirm", "resend", "forgot-password", "reset-password", "login",
                                   "refresh", "logout"])  # fmt: skip
@pytest.mark.parametrize("body", [None, "", "[]", "{", "{}", '{"email":1}', '{"email":"a@b.de","other":1}'], ids=repr)
def test_a_malformed_body_is_a_400(harness: Harness, route: str, body: str | None) -> None:
    answer = harness.ask("POST", f"/v1/auth/{route}", body, token=None)

    assert answer["statusCode"] == 400
    assert error_of(answer)["code"] == "VALIDATION_ERROR"


def test_the_public_configuration_may_be_stored_and_holds_no_table(harness: Harness) -> None:
    answer = harness.ask("GET", "/v1/auth/config", token=None)

    assert body_of(answer) == {
        "region": "eu",
        "user_pool_id": "pool",
        "client_id": "client",
        "issuer": "https://issuer",
        "hosted_ui_domain": None,
    }
    assert answer["headers"]["Cache-Control"] == "public, max-age=300"


def test_health_tells_whether_the_table_answers(harness: Harness) -> None:
    up = harness.ask("GET", "/v1/health/auth", token=None)
    harness.healthy = False
    down = harness.ask("GET", "/v1/health/auth", token=None)

    assert (up["statusCode"], body_of(up)["status"]) == (200, "ok")
    assert (down["statusCode"], body_of(down)["status"]) == (503, "down")


def test_no_log_line_holds_a_password_a_token_or_a_key(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    harness.ask("POST", "/v1/auth/login", {"email": "a@b.de", "password": "hunter2-hunter2"}, token=None)
    harness.ask("POST", "/v1/auth/login", '{"email":"a@b.de","password":"hunter2-hunter2"', token=None)
    text = body_of(harness.ask("POST", "/v1/api-keys"))["key"]
    harness.ask("POST", "/v1/auth/refresh", {"refresh_token": "secret-refresh-token"}, token=None)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for line in lines:
        for secret in ("hunter2", "a@b.de", text, text[-20:], "secret-refresh-token", "access:"):
            assert secret not in line
