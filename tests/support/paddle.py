"""Simulated Paddle: a customer's subscription, and its webhooks to the local environment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.deploy.stage import LOCAL
from infra.paddle_simulator import keys
from infra.paddle_simulator.customers import new_customer
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.simulator import Simulator, webhook

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from infra.paddle_simulator.entities import Bought
    from tests.support.tenant import Tenant


class Customer:
    """A tenant as Paddle's customer; changes of the subscription are sent by webhook and visible in Paddle's API."""

    def __init__(self, local: LocalEnvironment, http: httpx.Client, tenant: Tenant, plan: str = "pro") -> None:
        secretsmanager = local.aws_client("secretsmanager")
        self._local = local
        self.tenant = tenant
        self.simulator = Simulator(http, keys.webhook_secrets(secretsmanager, LOCAL))
        self.bought: Bought = new_customer(tenant.account_id, PRICES[plan], keys.binding_secrets(secretsmanager, LOCAL))

    def tell(self, event: str, *, at: datetime | None = None, **changes: Any) -> httpx.Response:
        """Change the subscription by `event` and `changes`, and send the webhook."""
        moment = at or datetime.now(UTC)
        if "plan" in changes:
            changes["price_id"] = PRICES[changes.pop("plan")]
        self.bought = replace(self.bought.after(event), **changes)
        if event.startswith("subscription."):
            self._local.paddle_shelf.put(self.bought, moment)
        return self.simulator.send(webhook(event, self.bought, moment))

    def subscription(self) -> dict[str, Any]:
        """Return the subscription in the tenant's view."""
        response = self.tenant.http.get("/v1/billing/subscription", headers=self.tenant.bearer)
        assert response.status_code == 200, response.text
        shown: dict[str, Any] = response.json()
        return shown
