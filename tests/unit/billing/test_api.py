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
from tests.unit.billing.world import World
from tests.unit.common.gateway import error_of


@pytest.fixture
def world() -> World:
    return World(ACCOUNT)


def subscribe(world: World, plan: str = "pro", event: str = "subscription.activated", **changes: Any) -> None:
    tell(ledger(world.store), event, replace(bought(plan).after(event), **changes))


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def reason_of(answer: dict[str, Any]) -> tuple[int, object]:
    return answer["statusCode"], error_of(answer)["details"]["reason"]


def test_the_price_list_is_the_catalog(world: World) -> None:
    answer = world.ask("GET", "/v1/billing/plans", token=None)
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (200, "public, max-age=300")
    shown = body_of(answer)["plans"]
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
def test_an_account_that_has_bought_nothing_is_on_the_free_plan(world: World, account: str) -> None:
    shown = body_of(world.ask("GET", "/v1/billing/subscription", token=f"access:{account}"))
    assert (shown["plan"], shown["status"]) == ("free", "none")
    assert shown["limits"]["requests_per_second"] == 10


def test_a_subscription_is_shown_with_what_will_become_of_it(world: World) -> None:
    subscribe(world, event="subscription.updated", scheduled=Scheduled("cancel", NOW.replace(month=12)))
    assert body_of(world.ask("GET", "/v1/billing/subscription")) == {
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


def test_one_that_has_ended_is_shown_as_such(world: World) -> None:
    subscribe(world, event="subscription.canceled")
    shown = body_of(world.ask("GET", "/v1/billing/subscription"))
    assert (shown["plan"], shown["status"], "current_period_ends_at" in shown) == ("free", "canceled", False)


def test_grace_is_shown(world: World) -> None:
    subscribe(world, event="subscription.past_due")
    shown = body_of(world.ask("GET", "/v1/billing/subscription"))
    assert (shown["plan"], shown["status"]) == ("pro", "past_due")


def test_a_checkout_is_bound_to_the_account_of_the_session(world: World) -> None:
    answer = world.ask("POST", "/v1/billing/checkout", {"plan": "pro"})
    assert answer["statusCode"] == 200
    assert answer["headers"]["Cache-Control"] == "no-store"
    checkout = body_of(answer)
    assert (checkout["price_id"], checkout["environment"]) == (PRICES["pro"], "sandbox")
    assert checkout["client_token"] == "test_token"
    assert checkout_token.verify(checkout["custom_data"], BINDING) == ACCOUNT


def test_a_checkout_lets_a_webhook_find_an_account_that_billing_had_not_heard_of(world: World) -> None:
    world.ask("POST", "/v1/billing/checkout", {"plan": "pro"}, token=f"access:{OTHER}")
    tell(ledger(world.store), "subscription.activated", bought(account_id=OTHER))
    assert world.store.accounts[OTHER].plan == "pro"


@pytest.mark.parametrize(
    ("plan", "wanted", "reason"),
    [
        ("pro", "starter", "downgrade"),
        ("pro", "pro", "same_plan"),
        ("pro", "free", "downgrade"),
        (None, "free", "downgrade"),
    ],
)
def test_a_checkout_only_sells_a_better_plan(world: World, plan: str | None, wanted: str, reason: str) -> None:
    if plan is not None:
        subscribe(world, plan)
    assert reason_of(world.ask("POST", "/v1/billing/checkout", {"plan": wanted})) == (409, reason)


def test_who_has_no_live_subscription_any_more_can_buy_one(world: World) -> None:
    subscribe(world, "pro", "subscription.canceled")
    assert world.ask("POST", "/v1/billing/checkout", {"plan": "starter"})["statusCode"] == 200


@pytest.mark.parametrize(
    "body", [{"plan": "gold"}, {"plan": ""}, {"plan": 1}, {}, {"plan": "pro", "price": 0}, "[]", ""]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/billing/checkout"), ("PATCH", "/v1/billing/subscription")])
def test_a_plan_that_there_is_not_is_a_400(world: World, method: str, path: str, body: object) -> None:
    answer = world.ask(method, path, body)
    assert (answer["statusCode"], error_of(answer)["code"]) == (400, "VALIDATION_ERROR")


def test_a_deleted_account_buys_nothing(world: World) -> None:
    world.store.forget(ACCOUNT)
    answer = world.ask("POST", "/v1/billing/checkout", {"plan": "pro"})
    assert (answer["statusCode"], world.store.accounts) == (401, {})


def test_a_plan_is_changed_at_paddle_and_not_before_paddle_says_so(world: World) -> None:
    subscribe(world, "pro")
    for plan in ("scale", "starter"):
        answer = world.ask("PATCH", "/v1/billing/subscription", {"plan": plan})
        assert (answer["statusCode"], body_of(answer)) == (202, {"plan": plan, "status": "changing"})
        assert world.truth.asked[-1] == ("change_price", bought().id, PRICES[plan])
    assert world.store.accounts[ACCOUNT].plan == "pro"


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
def test_a_change_that_cannot_be_says_why(world: World, event: str, wanted: str, reason: str) -> None:
    subscribe(world, "pro", event)
    assert reason_of(world.ask("PATCH", "/v1/billing/subscription", {"plan": wanted})) == (409, reason)
    assert world.truth.asked == []


def test_what_paddle_says_to_a_change_is_passed_on(world: World) -> None:
    subscribe(world, "pro")
    world.truth.available = False
    assert world.ask("PATCH", "/v1/billing/subscription", {"plan": "scale"})["statusCode"] == 503
    world.truth.available = True
    world.truth.refusal = PaddleRefused(400, "subscription_locked_renewal")
    answer = world.ask("PATCH", "/v1/billing/subscription", {"plan": "scale"})
    assert reason_of(answer) == (409, "refused")
    assert error_of(answer)["details"]["code"] == "subscription_locked_renewal"


def test_the_portal_is_the_accounts_own(world: World) -> None:
    assert reason_of(world.ask("POST", "/v1/billing/portal")) == (409, "no_subscription")
    subscribe(world)
    answer = world.ask("POST", "/v1/billing/portal")
    assert body_of(answer) == {"url": f"https://portal.example.com/{bought().customer_id}"}
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert reason_of(world.ask("POST", "/v1/billing/portal", token=f"access:{OTHER}")) == (409, "no_subscription")
    world.truth.available = False
    assert world.ask("POST", "/v1/billing/portal")["statusCode"] == 503


PROTECTED = [
    ("GET", "/v1/billing/subscription"),
    ("PATCH", "/v1/billing/subscription"),
    ("POST", "/v1/billing/checkout"),
    ("POST", "/v1/billing/portal"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_a_session_there_is_nothing(world: World, method: str, path: str) -> None:
    for token in (None, "nonsense"):
        answer = world.ask(method, path, {"plan": "pro"} if method != "GET" else None, token=token)
        assert (answer["statusCode"], error_of(answer)["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(("method", "path"), [*PROTECTED, ("GET", "/v1/billing/plans"), ("GET", "/v1/health/billing")])
def test_an_unknown_query_parameter_is_refused(world: World, method: str, path: str) -> None:
    assert world.ask(method, path, query="account_id=other")["statusCode"] == 400


def test_health_tells_of_the_table(world: World) -> None:
    assert body_of(world.ask("GET", "/v1/health/billing", token=None))["status"] == "ok"
    world.store.problem = Unavailable()
    answer = world.ask("GET", "/v1/health/billing", token=None)
    assert (answer["statusCode"], body_of(answer)["dependencies"]["dynamodb"]) == (503, "down")


def test_a_plan_without_a_price_is_not_for_sale() -> None:
    world = World(ACCOUNT, sold=Prices({}))
    assert reason_of(world.ask("POST", "/v1/billing/checkout", {"plan": "pro"})) == (409, "not_for_sale")
