"""Accounts from sign-up to log-out, with the emulator's Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.tenant import PASSWORD, RESET_CODE, SIGN_UP_CODE, new_email
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant


def post(http: httpx.Client, path: str, **body: object) -> httpx.Response:
    return http.post(f"/v1/auth/{path}", json=body)


def test_account_is_confirmed_with_the_mailed_code(local: LocalEnvironment, http: httpx.Client) -> None:
    email = new_email()
    created = post(http, "signup", email=email, password=PASSWORD)
    assert (created.status_code, created.json()) == (201, {"status": "confirmation_required"})
    mails = await_value(lambda: [mail for mail in local.emulator.mailbox() if email in str(mail)], within=5)
    assert SIGN_UP_CODE in str(mails[0])
    early = post(http, "login", email=email, password=PASSWORD)
    assert (early.status_code, early.json()["error"]["details"]) == (403, {"reason": "email_not_confirmed"})
    wrong = post(http, "confirm", email=email, code="000000")
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["field"]) == (400, "code")
    assert post(http, "confirm", email=email, code=SIGN_UP_CODE).json() == {"status": "confirmed"}
    session = post(http, "login", email=email, password=PASSWORD).json()
    assert sorted(session) == ["access_token", "expires_in", "refresh_token", "token_type"]
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 3600)
    me = http.get("/v1/auth/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert (me.json()["email"], me.json()["plan"], len(me.json()["user_id"])) == (email, "free", 36)


def test_sign_up_with_a_taken_address_has_the_usual_response(http: httpx.Client, tenant: Tenant) -> None:
    fresh = post(http, "signup", email=new_email(), password=PASSWORD)
    taken = post(http, "signup", email=tenant.email, password="another password")
    assert taken.status_code == fresh.status_code == 201
    assert taken.json() == fresh.json()
    # Nothing has changed for the owner of the address.
    assert post(http, "login", email=tenant.email, password=PASSWORD).status_code == 200
    assert post(http, "login", email=tenant.email, password="another password").status_code == 401


def test_no_response_reveals_whether_an_address_has_an_account(http: httpx.Client, tenant: Tenant) -> None:
    unknown = new_email()
    for path, body in (
        ("resend", {}),
        ("forgot-password", {}),
        ("confirm", {"code": "000000"}),
        ("login", {"password": "wrong password"}),
        ("reset-password", {"code": "000000", "password": PASSWORD}),
    ):
        responses = [post(http, path, email=email, **body) for email in (tenant.email, unknown)]
        bodies = [response.json()["error"] if response.content else {} for response in responses]
        for error in bodies:
            error.pop("correlation_id", None)
        assert responses[0].status_code == responses[1].status_code, path
        assert bodies[0] == bodies[1], path


def test_refresh_token_is_valid_until_log_out(http: httpx.Client, tenant: Tenant) -> None:
    refresh_token = tenant.session["refresh_token"]
    refreshed = post(http, "refresh", refresh_token=refresh_token)
    assert refreshed.status_code == 200
    headers = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
    assert http.get("/v1/auth/me", headers=headers).json()["user_id"] == tenant.account_id
    for _ in range(2):
        assert post(http, "logout", refresh_token=refresh_token).status_code == 204
    assert post(http, "refresh", refresh_token=refresh_token).status_code == 401


def test_forgotten_password_is_reset_with_the_mailed_code(http: httpx.Client, tenant: Tenant) -> None:
    assert post(http, "forgot-password", email=tenant.email).status_code == 204
    wrong = post(http, "reset-password", email=tenant.email, code="000000", password="a new password")
    assert wrong.status_code == 400
    right = post(http, "reset-password", email=tenant.email, code=RESET_CODE, password="a new password")
    assert right.status_code == 204
    assert post(http, "login", email=tenant.email, password=PASSWORD).status_code == 401
    assert post(http, "login", email=tenant.email, password="a new password").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("signup", {"email": "nobody", "password": PASSWORD}),
        ("signup", {"email": "a@example.com", "password": "short"}),
        ("signup", {"email": "a@example.com"}),
        ("signup", {"email": "a@example.com", "password": PASSWORD, "plan": "business"}),
        ("signup", {"email": 1, "password": PASSWORD}),
        ("login", {"email": "a@example.com", "password": 1}),
        ("confirm", {"email": "a@example.com", "code": "12 34"}),
        ("refresh", {}),
    ],
)
def test_invalid_body_is_a_400(http: httpx.Client, path: str, body: dict[str, object]) -> None:
    response = post(http, path, **body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_every_invalid_access_token_is_the_same_401(http: httpx.Client, tenant: Tenant) -> None:
    token: str = tenant.session["access_token"]
    head, claims, signature = token.split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    bad = ["x", "a.b.c", f"{head}.{claims}.{flipped}", f"{head}.{claims}.", token + "x" * 9000]
    for path in ("/v1/auth/me", "/v1/api-keys", "/v1/namespaces"):
        messages = set()
        for text in bad:
            response = http.get(path, headers={"Authorization": f"Bearer {text}"})
            assert response.status_code == 401, (path, text[:40])
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            messages.add(response.json()["error"]["message"])
        assert len(messages) == 1
        assert http.get(path).status_code == 401
        assert http.get(path, headers={"Authorization": f"Basic {token}"}).status_code == 401


def test_sign_in_configuration_is_public_and_cacheable(http: httpx.Client) -> None:
    response = http.get("/v1/auth/config")
    assert response.headers["Cache-Control"] == "public, max-age=300"
    config = response.json()
    assert config["issuer"] == f"https://cognito-idp.{config['region']}.amazonaws.com/{config['user_pool_id']}"
    assert (bool(config["client_id"]), config["hosted_ui_domain"]) == (True, None)


def test_responses_with_a_secret_are_not_cacheable(http: httpx.Client, tenant: Tenant) -> None:
    login = post(http, "login", email=tenant.email, password=PASSWORD)
    key = http.post("/v1/api-keys", json={}, headers=tenant.bearer)
    for response in (login, key):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age" in response.headers["Strict-Transport-Security"]
        assert response.headers["X-API-Version"] == "1"
