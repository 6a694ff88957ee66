"""billing's routes, with fakes for all that is outside."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from billing_service import checkout_token
from billing_service.errors import PaddleRefused
from billing_service.prices import Prices
from infra.paddle_simulator.entities import Scheduled
from infra.paddle_simulator.prices import PRICES
from kv_common.errors import Unavailable
from kv_common.plans import CATALOG
from tests.unit.billing.fakes import ACCOUNT, BINDING, NOW, OTHER, bought, ledger, tell
from tests.unit.billing.harness import Harness
from tests.unit.common.gateway import error_of


@pytest.fixture
def harness() -> Harness:
    return Harness(ACCOUNT)


def subscribe(harness: Harness, plan: str = "pro", event: str = "subscription.activated", **changes: Any) -> None:
    tell(ledger(harness.store), event, replace(bought(plan).after(event), **changes))


def body_of(response: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response["body"])
    return body


def reason_of(response: dict[str, Any]) -> tuple[int, object]:
    return response["statusCode"], error_of(response)["details"]["reason"]


def test_the_price_list_is_the_catalog(harness: Harness) -> None:
    response = harness.ask("GET", "/v1/billing/plans", token=None)
    assert (response["statusCode"], response["headers"]["Cache-Control"]) == (200, "public, max-age=300")
    shown = body_of(response)["plans"]
    assert [(plan["name"], plan["price_per_month"]) for plan in shown] == [
        (plan.name, plan.price) for plan in CATALOG.values()
    ]
    assert shown[2]["limits"] == {
        "requests_per_second": 100,
        "burst": 200,
        "requests_per_month": 1_000_000,
        "storage_bytes": 10_000_000_000,
    }
    assert [plan["price_id"] for plan in shown] == [PRICES.get(name) for name in CATALOG]


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_an_account_that_has_bought_nothing_is_on_the_free_plan(harness: Harness, account: str) -> None:
    shown = body_of(harness.ask("GET", "/v1/billing/subscription", token=f"access:{account}"))
    assert (shown["plan"], shown["status"]) == ("free", "none")
    assert shown["limits"]["requests_per_second"] == 10


def test_a_subscription_is_shown_with_what_will_become_of_it(harness: Harness) -> None:
    subscribe(harness, event="subscription.updated", scheduled=Scheduled("cancel", NOW.replace(month=12)))
    assert body_of(harness.ask("GET", "/v1/billing/subscription")) == {
        "plan": "pro",
        "status": "active",
        "limits": {
            "requests_per_second": 100,
            "burst": 200,
            "requests_per_month": 1_000_000,
            "storage_bytes": 10_000_000_000,
        },
        "subscription_id": bought().id,
        "current_period_ends_at": "2026-12-20T12:00:00.250000Z",
        "scheduled_change": {
            "plan": "free",
            "reason": "canceled",
            "effective_at": "2026-12-20T12:00:00.250000Z",
        },
    }


def test_one_that_has_ended_is_shown_as_such(harness: Harness) -> None:
    subscribe(harness, event="subscription.canceled")
    shown = body_of(harness.ask("GET", "/v1/billing/subscription"))
    assert (shown["plan"], shown["status"], "current_period_ends_at" in shown) == ("free", "canceled", False)


def test_grace_is_shown(harness: Harness) -> None:
    subscribe(harness, event="subscription.past_due")
    shown = body_of(harness.ask("GET", "/v1/billing/subscription"))
    assert (shown["plan"], shown["status"]) == ("pro", "past_due")


def test_a_checkout_is_bound_to_the_account_of_the_session(harness: Harness) -> None:
    response = harness.ask("POST", "/v1/billing/checkout", {"plan": "pro"})
    assert response["statusCode"] == 200
    assert response["headers"]["Cache-Control"] == "no-store"
    checkout = body_of(response)
    assert (checkout["price_id"], checkout["environment"]) == (PRICES["pro"], "sandbox")
    assert checkout["client_token"] == "test_token"
    assert checkout_token.verify(checkout["custom_data"], BINDING) == ACCOUNT


def test_a_checkout_lets_a_webhook_find_an_account_that_billing_had_not_heard_of(harness: Harness) -> None:
    harness.ask("POST", "/v1/billing/checkout", {"plan": "pro"}, token=f"access:{OTHER}")
    tell(ledger(harness.store), "subscription.activated", bought(account_id=OTHER))
    assert harness.store.accounts[OTHER].plan == "pro"


@pytest.mark.parametrize(
    ("plan", "wanted", "reason"),
    [
        ("pro", "starter", "downgrade"),
        ("pro", "pro", "same_plan"),
        ("pro", "free", "downgrade"),
        (None, "free", "downgrade"),
    ],
)
def test_a_checkout_only_sells_a_better_plan(harness: Harness, plan: str | None, wanted: str, reason: str) -> None:
    if plan is not None:
        subscribe(harness, plan)
    assert reason_of(harness.ask("POST", "/v1/billing/checkout", {"plan": wanted})) == (409, reason)


def test_who_has_no_live_subscription_any_more_can_buy_one(harness: Harness) -> None:
    subscribe(harness, "pro", "subscription.canceled")
    assert harness.ask("POST", "/v1/billing/checkout", {"plan": "starter"})["statusCode"] == 200


@pytest.mark.parametrize(
    "body", [{"plan": "gold"}, {"plan": ""}, {"plan": 1}, {}, {"plan": "pro", "price": 0}, "[]", ""]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/billing/checkout"), ("PATCH", "/v1/billing/subscription")])
def test_a_plan_that_there_is_not_is_a_400(harness: Harness, method: str, path: str, body: object) -> None:
    response = harness.ask(method, path, body)
    assert (response["statusCode"], error_of(response)["code"]) == (400, "VALIDATION_ERROR")


def test_a_deleted_account_buys_nothing(harness: Harness) -> None:
    harness.store.forget(ACCOUNT)
    response = harness.ask("POST", "/v1/billing/checkout", {"plan": "pro"})
    assert (response["statusCode"], harness.store.accounts) == (401, {})


def test_a_plan_is_changed_at_paddle_and_not_before_paddle_says_so(harness: Harness) -> None:
    subscribe(harness, "pro")
    for plan in ("scale", "starter"):
        response = harness.ask("PATCH", "/v1/billing/subscription", {"plan": plan})
        assert (response["statusCode"], body_of(response)) == (202, {"plan": plan, "status": "changing"})
        assert harness.paddle.requests[-1] == ("change_price", bought().id, PRICES[plan])
    assert harness.store.accounts[ACCOUNT].plan == "pro"


@pytest.mark.parametrize(
    ("event", "wanted", "reason"),
    [
        ("subscription.activated", "pro", "same_plan"),
        ("subscription.activated", "free", "downgrade"),
        ("subscription.past_due", "scale", "past_due"),
        ("subscription.paused", "scale", "no_subscription"),
        ("subscription.canceled", "scale", "no_subscription"),
    ],
)
def test_a_change_that_cannot_be_says_why(harness: Harness, event: str, wanted: str, reason: str) -> None:
    subscribe(harness, "pro", event)
    assert reason_of(harness.ask("PATCH", "/v1/billing/subscription", {"plan": wanted})) == (409, reason)
    assert harness.paddle.requests == []


def test_what_paddle_says_to_a_change_is_passed_on(harness: Harness) -> None:
    subscribe(harness, "pro")
    harness.paddle.available = False
    assert harness.ask("PATCH", "/v1/billing/subscription", {"plan": "scale"})["statusCode"] == 503
    harness.paddle.available = True
    harness.paddle.refusal = PaddleRefused(400, "subscription_locked_renewal")
    response = harness.ask("PATCH", "/v1/billing/subscription", {"plan": "scale"})
    assert reason_of(response) == (409, "refused")
    assert error_of(response)["details"]["code"] == "subscription_locked_renewal"


def test_the_portal_is_the_accounts_own(harness: Harness) -> None:
    assert reason_of(harness.ask("POST", "/v1/billing/portal")) == (409, "no_subscription")
    subscribe(harness)
    response = harness.ask("POST", "/v1/billing/portal")
    assert body_of(response) == {"url": f"https://portal.example.com/{bought().customer_id}"}
    assert response["headers"]["Cache-Control"] == "no-store"
    assert reason_of(harness.ask("POST", "/v1/billing/portal", token=f"access:{OTHER}")) == (409, "no_subscription")
    harness.paddle.available = False
    assert harness.ask("POST", "/v1/billing/portal")["statusCode"] == 503


PROTECTED = [
    ("GET", "/v1/billing/subscription"),
    ("PATCH", "/v1/billing/subscription"),
    ("POST", "/v1/billing/checkout"),
    ("POST", "/v1/billing/portal"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_a_session_there_is_nothing(harness: Harness, method: str, path: str) -> None:
    for token in (None, "nonsense"):
        response = harness.ask(method, path, {"plan": "pro"} if method != "GET" else None, token=token)
        assert (response["statusCode"], error_of(response)["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("method", "path"), [*PROTECTED, ("GET", "/v1/billing/plans"), ("GET", "/v1/health/billing")])
def test_an_unknown_query_parameter_is_refused(harness: Harness, method: str, path: str) -> None:
    assert harness.ask(method, path, query="account_id=other")["statusCode"] == 400


def test_health_tells_of_the_table(harness: Harness) -> None:
    assert body_of(harness.ask("GET", "/v1/health/billing", token=None))["status"] == "ok"
    harness.store.problem = Unavailable()
    response = harness.ask("GET", "/v1/health/billing", token=None)
    assert (response["statusCode"], body_of(response)["dependencies"]["dynamodb"]) == (503, "down")


def test_a_plan_without_a_price_is_not_for_sale() -> None:
    harness = Harness(ACCOUNT, sold=Prices({}))
    assert reason_of(harness.ask("POST", "/v1/billing/checkout", {"plan": "pro"})) == (409, "not_for_sale")
