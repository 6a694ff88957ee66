"""alerts's routes, with fakes for all that is outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts_service import unsubscribe_link
from alerts_service.container import Alerts as Dependencies
from alerts_service.http.app import create_app
from alerts_service.model import OffReason
from alerts_service.service import Inbox, Intake
from kv_common.auth.verifier import AccessToken
from kv_common.errors import Unauthorized, Unavailable
from kv_common.events import ThresholdCrossed
from tests.unit.alerts.fakes import (
    ACCOUNT,
    EVERYTHING,
    NOW_MS,
    OTHER,
    SECRET,
    Clock,
    FakeAlertStore,
    FakePreferenceStore,
    FakeTable,
    new_event,
)
from tests.unit.common import gateway
from tests.unit.common.gateway import Context, error_of


class Harness:
    """The whole service over fakes, and a caller of it; an account is its own token."""

    def __init__(self) -> None:
        self.table, self.clock, self.healthy = FakeTable(), Clock(), True
        self.alerts, self.choices = FakeAlertStore(self.table), FakePreferenceStore(self.table)
        self.intake = Intake(self.alerts, self.choices, now_ms=self.clock)
        self.api = create_app(self._make)

    def _make(self) -> Dependencies:
        inbox = Inbox(self.alerts, self.choices, secret=lambda: SECRET, now_ms=self.clock)
        return Dependencies(inbox=inbox, verify_token=self._verify, check=self._check)

    def _verify(self, token: str) -> AccessToken:
        if token not in (ACCOUNT, OTHER):
            raise Unauthorized("The access token is not valid.")
        return AccessToken(token, {})

    def _check(self) -> None:
        if not self.healthy:
            raise Unavailable

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = ACCOUNT, query: str = ""
    ) -> dict[str, Any]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        response: dict[str, Any] = self.api(
            gateway.event(method, path, query=query, headers=headers, body=text), Context()
        )
        return response


@pytest.fixture
def harness() -> Harness:
    return Harness()


def body_of(response: dict[str, Any]) -> dict[str, Any]:
    assert response["statusCode"] == 200, response
    body: dict[str, Any] = json.loads(response["body"])
    return body


def test_an_alert_is_shown_with_its_facts_and_what_became_of_its_mail(harness: Harness) -> None:
    harness.intake.take(new_event(EVERYTHING["requests_nearing"]))

    (alert,) = body_of(harness.ask("GET", "/v1/alerts"))["alerts"]

    assert alert.pop("id").startswith("alert_")
    assert alert == {
        "kind": "usage_threshold",
        "title": "80% of this month's requests are used",
        "message": "Your account has used 8,012 of the 10,000 requests of the Free plan in November 2026.",
        "data": {
            "period": "2026-11",
            "metric": "requests",
            "threshold": 80,
            "used": 8012,
            "limit": 10000,
            "plan": "free",
        },
        "created_at": "2026-11-20T12:00:00.000Z",
        "read": False,
        "email": {"status": "pending"},
    }


def test_an_event_that_is_told_again_makes_no_second_alert(harness: Harness) -> None:
    for _ in range(3):
        harness.intake.take(new_event(EVERYTHING["requests_nearing"]))

    assert len(body_of(harness.ask("GET", "/v1/alerts"))["alerts"]) == 1


def test_a_threshold_that_is_not_wanted_makes_no_alert(harness: Harness) -> None:
    harness.ask("PUT", "/v1/alerts/preferences", {"email": True, "thresholds": [100]})

    for threshold in (80, 90, 100):
        crossed = ThresholdCrossed(
            period="2026-11", metric="storage", threshold=threshold, used=1, limit=1, plan="free"
        )
        harness.intake.take(new_event(crossed, event_id=f"event-{threshold}"))

    (alert,) = body_of(harness.ask("GET", "/v1/alerts"))["alerts"]
    assert alert["data"]["threshold"] == 100


def test_pages_go_on_where_the_cursor_says_for_the_same_account_and_filter_alone(harness: Harness) -> None:
    for number in range(5):
        harness.intake.take(new_event(EVERYTHING["payment_failed"], event_id=f"event-{number}"))
    first = body_of(harness.ask("GET", "/v1/alerts", query="limit=3"))
    second = body_of(harness.ask("GET", "/v1/alerts", query=f"limit=3&cursor={first['cursor']}"))

    ids = [alert["id"] for alert in first["alerts"] + second["alerts"]]
    assert (len(first["alerts"]), len(second["alerts"])) == (3, 2)
    assert ids == sorted(set(ids), reverse=True)
    assert "cursor" not in second
    for query, token in ((f"cursor={first['cursor']}", OTHER), (f"unread=true&cursor={first['cursor']}", ACCOUNT)):
        assert error_of(harness.ask("GET", "/v1/alerts", query=query, token=token))["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "unread=yes", "cursor=forged", "page=2"])
def test_what_a_list_cannot_be_asked_is_refused(harness: Harness, query: str) -> None:
    assert error_of(harness.ask("GET", "/v1/alerts", query=query))["code"] == "VALIDATION_ERROR"


def test_a_foreign_alert_and_a_missing_one_are_the_same_to_the_caller(harness: Harness) -> None:
    harness.intake.take(new_event(EVERYTHING["payment_failed"]))
    (alert,) = body_of(harness.ask("GET", "/v1/alerts"))["alerts"]
    path = f"/v1/alerts/{alert['id']}/read"

    responses = [
        harness.ask("POST", path, token=OTHER),
        harness.ask("POST", f"/v1/alerts/alert_{'0' * 17}/read"),
        harness.ask("POST", "/v1/alerts/PREFERENCES/read"),
    ]

    assert {(response["statusCode"], error_of(response)["message"]) for response in responses} == {
        (404, "There is no such alert.")
    }
    assert body_of(harness.ask("GET", "/v1/alerts", token=OTHER))["alerts"] == []
    assert [harness.ask("POST", path)["statusCode"] for _ in range(2)] == [204, 204]
    assert body_of(harness.ask("GET", "/v1/alerts"))["alerts"][0]["read"]
    assert body_of(harness.ask("GET", "/v1/alerts", query="unread=true"))["alerts"] == []


def test_preferences_are_all_on_until_the_owner_says_otherwise(harness: Harness) -> None:
    path = "/v1/alerts/preferences"
    assert body_of(harness.ask("GET", path)) == {"email": True, "thresholds": [80, 90, 100]}

    changed = body_of(harness.ask("PUT", path, {"email": False, "thresholds": [100, 80]}))

    assert changed == {"email": False, "thresholds": [80, 100]}
    assert body_of(harness.ask("GET", path)) == changed
    assert body_of(harness.ask("GET", path, token=OTHER))["email"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": True},
        {"thresholds": []},
        {"email": "yes", "thresholds": []},
        {"email": True, "thresholds": [85]},
        {"email": True, "thresholds": [80, 80]},
        {"email": True, "thresholds": [80.5]},
        {"email": True, "thresholds": [], "sms": True},
        "no json",
    ],
    ids=str,
)
def test_preferences_that_make_no_sense_are_refused_and_change_nothing(harness: Harness, body: object) -> None:
    assert error_of(harness.ask("PUT", "/v1/alerts/preferences", body))["code"] == "VALIDATION_ERROR"
    assert harness.table.preferences == {}


def test_the_owner_sees_what_turned_mail_off_and_turns_it_on_again(harness: Harness) -> None:
    harness.choices.turn_off(ACCOUNT, OffReason.BOUNCED, reported_at_ms=NOW_MS, now_ms=NOW_MS)
    path = "/v1/alerts/preferences"

    assert body_of(harness.ask("GET", path)) == {
        "email": False,
        "thresholds": [80, 90, 100],
        "email_off": {"reason": "bounced", "since": "2026-11-20T12:00:00.000Z"},
    }
    # Other settings can be changed without turning it on.
    assert body_of(harness.ask("PUT", path, {"email": False, "thresholds": [90]}))["email_off"]["reason"] == "bounced"
    assert body_of(harness.ask("PUT", path, {"email": True, "thresholds": [90]})) == {"email": True, "thresholds": [90]}


def test_a_deleted_account_has_no_preferences_to_set(harness: Harness) -> None:
    harness.alerts.forget(ACCOUNT, now_ms=NOW_MS)

    response = harness.ask("PUT", "/v1/alerts/preferences", {"email": True, "thresholds": []})

    assert (response["statusCode"], error_of(response)["code"]) == (401, "UNAUTHORIZED")
    assert harness.table.preferences == {}


def link(account_id: str = ACCOUNT, secret: bytes = SECRET) -> str:
    return unsubscribe_link.link("", account_id, secret=secret).partition("?")[2]


def test_looking_at_the_link_changes_nothing_and_asks(harness: Harness) -> None:
    response = harness.ask("GET", unsubscribe_link.PATH, query=link(), token=None)

    assert response["statusCode"] == 200
    assert response["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert response["headers"]["Referrer-Policy"] == "no-referrer"
    policy = response["headers"]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f'action="unsubscribe?{link()}"' in response["body"]
    assert harness.table.preferences == {}


@pytest.mark.parametrize("body", [None, "List-Unsubscribe=One-Click"], ids=["page", "mail program"])
def test_posting_to_the_link_turns_mail_off_for_its_account_alone(harness: Harness, body: str | None) -> None:
    for _ in range(2):
        assert harness.ask("POST", unsubscribe_link.PATH, body, query=link(), token=None)["statusCode"] == 200

    assert [(who, kept.email, kept.off_reason) for who, kept in harness.table.preferences.items()] == [
        (ACCOUNT, False, OffReason.UNSUBSCRIBED)
    ]


FORGED = [
    "",
    "token=",
    "token=AAAA",
    link(secret=b"x" * 32),
    link()[:-1],
    link() + "A",
    "token=%C3%A4",
    link() + "&a=1",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("query", FORGED)
def test_a_link_that_is_not_ours_does_nothing(harness: Harness, method: str, query: str) -> None:
    response = harness.ask(method, unsubscribe_link.PATH, query=query, token=None)

    assert (response["statusCode"], error_of(response)["code"]) == (400, "VALIDATION_ERROR")
    assert "cursor" not in response["body"]
    assert harness.table.preferences == {}


def test_a_cursor_is_no_link_and_a_link_no_cursor(harness: Harness) -> None:
    for number in range(2):
        harness.intake.take(new_event(EVERYTHING["payment_failed"], event_id=f"event-{number}"))
    cursor = body_of(harness.ask("GET", "/v1/alerts", query="limit=1"))["cursor"]

    assert harness.ask("POST", unsubscribe_link.PATH, query=f"token={cursor}", token=None)["statusCode"] == 400
    assert harness.ask("GET", "/v1/alerts", query=f"cursor={link().partition('=')[2]}")["statusCode"] == 400


def test_the_link_of_a_deleted_account_says_that_mail_is_off(harness: Harness) -> None:
    harness.alerts.forget(ACCOUNT, now_ms=NOW_MS)

    assert harness.ask("POST", unsubscribe_link.PATH, query=link(), token=None)["statusCode"] == 200
    assert harness.table.preferences == {}


PROTECTED = [
    ("GET", "/v1/alerts"),
    ("POST", "/v1/alerts/alert_00000000000000000/read"),
    ("GET", "/v1/alerts/preferences"),
    ("PUT", "/v1/alerts/preferences"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("token", [None, "stranger"], ids=["none", "invalid"])
def test_what_belongs_to_an_account_needs_its_token(
    harness: Harness, method: str, path: str, token: str | None
) -> None:
    assert harness.ask(method, path, token=token)["statusCode"] == 401


def test_health_tells_whether_the_table_answers(harness: Harness) -> None:
    assert body_of(harness.ask("GET", "/v1/health/alerts", token=None))["status"] == "ok"
    harness.healthy = False
    assert harness.ask("GET", "/v1/health/alerts", token=None)["statusCode"] == 503
