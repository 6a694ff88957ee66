"""A bought plan takes effect everywhere: in kv's limits, alerts and mails."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra.paddle_simulator.entities import Scheduled
from kv_common.plans import CATALOG
from tests.support.paddle import Customer
from tests.support.tenant import Tenant, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment


@dataclass(frozen=True)
class Buyer:
    """A tenant on the free plan with a key, and as Paddle's customer."""

    tenant: Tenant
    customer: Customer
    key: dict[str, str]

    def request(self) -> httpx.Response:
        return self.tenant.http.get("/v1/app/nothing", headers=self.key)

    def limits(self) -> tuple[int, int]:
        """Return requests a second and a month, as the headers have them."""
        headers = self.request().headers
        return int(headers["X-RateLimit-Limit"]), int(headers["X-Quota-Limit"])

    def await_limits(self, plan: str, *, within: float = 10) -> float:
        """Return after how many seconds the headers show a plan's limits."""
        started = time.monotonic()
        wanted = (CATALOG[plan].requests_per_second, CATALOG[plan].requests_per_month)
        await_value(lambda: self.limits() == wanted, within=within, pause=0.01)
        return time.monotonic() - started


@pytest.fixture
def buyer(local: LocalEnvironment, http: httpx.Client) -> Buyer:
    return new_buyer(local, http)


def new_buyer(local: LocalEnvironment, http: httpx.Client) -> Buyer:
    tenant = sign_up(local, http)
    tenant.namespace("app")
    return Buyer(tenant, Customer(local, http, tenant), tenant.key())


def test_bought_plan_is_in_the_headers_within_a_second(local: LocalEnvironment, http: httpx.Client) -> None:
    # The first webhook finds every function cold.
    new_buyer(local, http).customer.tell("subscription.activated")
    buyers = [new_buyer(local, http) for _ in range(5)]
    buyers[0].customer.tell("subscription.activated")
    buyers[0].await_limits("pro")
    lags = []
    for buyer in buyers[1:]:
        assert buyer.limits() == (CATALOG["free"].requests_per_second, CATALOG["free"].requests_per_month)
        await_value(lambda buyer=buyer: buyer.request().status_code == 429, within=10, pause=0)  # type: ignore[misc]
        assert buyer.customer.tell("subscription.activated").status_code == 200
        lags.append(buyer.await_limits("pro"))
        assert buyer.request().status_code == 404
    assert max(lags) < 1


def test_owner_sees_every_step_from_free_to_pro_and_back(local: LocalEnvironment, buyer: Buyer) -> None:
    def mails() -> list[dict[str, Any]]:
        return [mail for mail in local.emulator.mailbox() if buyer.tenant.email in str(mail)]

    def alerts() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = buyer.tenant.http.get("/v1/alerts", headers=buyer.tenant.bearer).json()["alerts"]
        return listed

    def step(event: str, **changes: Any) -> None:
        """Let something happen, and wait until there is an alert and a mail more."""
        before = len(mails()), len(alerts())
        assert buyer.customer.tell(event, **changes).status_code == 200
        await_value(lambda: len(mails()) > before[0] and len(alerts()) > before[1], within=10)

    step("subscription.activated")
    assert buyer.customer.subscription()["plan"] == "pro"
    step("transaction.payment_failed")
    step("subscription.updated", scheduled=Scheduled("cancel", datetime.now(UTC) + timedelta(days=3)))
    assert buyer.customer.subscription()["scheduled_change"]["plan"] == "free"
    assert buyer.limits()[0] == CATALOG["pro"].requests_per_second
    step("subscription.canceled")
    assert buyer.customer.subscription()["plan"] == "free"
    buyer.await_limits("free")
