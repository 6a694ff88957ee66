"""Moments, prices, bindings, settings and agreements: read strictly, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_service import checkout_token
from billing_service import clock as moments
from billing_service.checkout_token import InvalidCheckoutToken
from billing_service.custom_limits import InvalidCustomLimits, agree
from billing_service.prices import InvalidPrices, Prices
from billing_service.settings import ApiSettings, Settings
from infra.paddle_simulator.entities import stamp
from infra.paddle_simulator.prices import PRICES, parameter
from kv_common.auth.access_tokens import access_token_verifier
from kv_common.settings import InvalidSettings
from tests.unit.billing.fakes import ACCOUNT, NOW, NOW_US, FakeBillingStore, bought, ledger, tell
from tests.unit.billing.harness import ENV

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(0, 9))  # noqa: DTZ001
def test_a_moment_is_read_to_the_microsecond_whatever_digits_it_has(moment: datetime, digits: int) -> None:
    step = timedelta(microseconds=10 ** max(0, 6 - digits))
    told = EPOCH + (moment - EPOCH) // step * step
    assert moments.read(stamp(moment, digits)) == (told - EPOCH) // timedelta(microseconds=1)


@given(st.lists(st.integers(0, 10**16), min_size=2, max_size=5))
def test_moments_order_as_time_does_and_not_as_text(times: list[int]) -> None:
    assert [moments.read(moments.show(time)) for time in sorted(times)] == sorted(times)


def test_what_orders_wrongly_as_text_orders_rightly_here() -> None:
    earlier, later = "2026-11-20T10:00:47.035420Z", "2026-11-20T10:00:47.03542100Z"
    assert moments.read(earlier) == moments.read("2026-11-20T10:00:47.03542Z") < moments.read(later)
    assert moments.read("2026-11-20T10:00:47.000000999Z") == moments.read("2026-11-20T10:00:47Z")
    assert moments.read("2026-11-20T12:00:47+02:00") == moments.read("2026-11-20T10:00:47Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-20",
        "2026-11-20T10:00:00",
        "2026-11-20 10:00:00Z",
        "2026-11-20T10:00:00.Z",
        "2026-11-20T10:00:00.0000000001Z",
        "2026-02-30T10:00:00Z",
        "٢٠٢٦-11-20T10:00:00Z",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|out of range"):
        moments.read(text)


def test_prices_buy_the_plans_they_are_configured_for() -> None:
    prices = Prices.parse(" pri_01a=pro,pri_01b=starter , pri_01c=pro,")
    assert [prices.plan_of(price) for price in ("pri_01a", "pri_01b", "pri_01c", "pri_01d")] == [
        "pro",
        "starter",
        "pro",
        None,
    ]
    assert (prices.price_of("pro"), prices.price_of("scale")) == ("pri_01a", None)
    assert Prices.parse("").plans == {}
    assert {Prices.parse(parameter()).plan_of(price) for price in PRICES.values()} == set(PRICES)


@pytest.mark.parametrize("text", ["pri_01a", "pri_01a=gold", "pri_01a=free", "PRI_01=pro", "pri_01a=pro,pri_01a=pro"])
def test_prices_that_mean_nothing_stop_the_service(text: str) -> None:
    with pytest.raises(InvalidPrices):
        Prices.parse(text)


@given(st.text(min_size=1, max_size=64), st.text(max_size=40), st.text(min_size=1))
def test_a_binding_names_its_account_to_whoever_has_the_secret(account: str, price: str, secret: str) -> None:
    custom_data = checkout_token.sign(account, price, [secret])
    assert checkout_token.verify(custom_data, ["another", secret]) == account
    with pytest.raises(InvalidCheckoutToken):
        checkout_token.verify(custom_data, [secret + "x"])
    with pytest.raises(InvalidCheckoutToken):
        checkout_token.verify(custom_data, [])


@given(st.text(max_size=10), st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
def test_checkout_tokens_differ_by_account_and_price(account: str, price: str, other: str, another: str) -> None:
    same = (account, price) == (other, another)
    first, second = (checkout_token.sign(*one, ["s"])["token"] for one in ((account, price), (other, another)))
    assert (first == second) is same


OPTIONAL = {"PADDLE_PRICES", "PADDLE_API_URL", "PADDLE_CLIENT_TOKEN"}


@pytest.mark.parametrize("name", sorted(set(ENV) - OPTIONAL))
def test_a_missing_setting_is_named(name: str) -> None:
    env = {**ENV, name: ""}
    with pytest.raises(InvalidSettings, match=f" {name} "):
        _ = (Settings.from_env(env), ApiSettings.from_env(env), access_token_verifier(env))


def test_without_prices_an_api_or_a_client_token_there_is_a_service_that_sells_nothing() -> None:
    env = {name: value for name, value in ENV.items() if name not in OPTIONAL}
    assert (Settings.from_env(env).prices.plans, Settings.from_env(env).paddle_api_url) == ({}, "")
    assert ApiSettings.from_env(env).paddle_client_token == ""


def test_an_operator_sets_an_accounts_own_limits() -> None:
    store = FakeBillingStore(ACCOUNT)
    made = ledger(store)
    tell(made, "subscription.activated", bought("business"), NOW)
    request = {"account_id": ACCOUNT, "limits": {"requests_per_month": 50_000_000}}
    response = agree(made, request, "correlation", now_us=NOW_US)
    assert (response["plan"], response["limits"]["requests_per_month"]) == ("business", 50_000_000)
    assert store.told[-1].name == "PlanChanged"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"account_id": ACCOUNT},
        {"account_id": ACCOUNT, "limits": {"rate": 5}},
        {"account_id": ACCOUNT, "limits": {"burst": 0}},
        {"account_id": ACCOUNT, "limits": {"burst": "5"}},
        {"account_id": ACCOUNT, "limits": {}, "plan": "pro"},
    ],
)
def test_an_agreement_that_cannot_be_read_is_refused(request_: dict[str, Any]) -> None:
    store = FakeBillingStore(ACCOUNT)
    with pytest.raises(InvalidCustomLimits):
        agree(ledger(store), request_, "correlation", now_us=NOW_US)
    assert store.accounts[ACCOUNT].revision == 0
