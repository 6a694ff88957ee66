"""How billing's answers look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing_service import clock as moments
from billing_service.model import CustomLimits, limits_of
from kv_common.plans import CATALOG

if TYPE_CHECKING:
    from billing_service.model import Account
    from billing_service.prices import Prices
    from billing_service.service import Checkout
    from billing_service.settings import ApiSettings

_NO_STATUS = "none"


def show_plans(prices: Prices) -> dict[str, object]:
    """Return the price list, cheapest first."""
    return {
        "currency": "USD",
        "plans": [
            {
                "name": plan.name,
                "price_per_month": plan.price,
                "limits": limits_of(plan, CustomLimits()),
                "price_id": prices.price_of(plan.name),
            }
            for plan in sorted(CATALOG.values(), key=lambda plan: plan.price)
        ],
    }


def show_account(account: Account) -> dict[str, object]:
    """Return an account's plan and the subscription behind it."""
    shown = account.shown
    body: dict[str, object] = {
        "plan": account.plan,
        "status": _NO_STATUS if shown is None else shown.status,
        "limits": account.limits,
    }
    if shown is not None:
        body["subscription_id"] = shown.id
        if shown.live and shown.period_ends_us is not None:
            body["current_period_ends_at"] = moments.show(shown.period_ends_us)
        if shown.live and shown.ending is not None:
            body["scheduled_change"] = {
                "plan": account.plan_after(shown),
                "reason": shown.ending.status,
                "effective_at": moments.show(shown.ending.at_us),
            }
    return body


def show_checkout(checkout: Checkout, settings: ApiSettings) -> dict[str, object]:
    """Return what Paddle.js is opened with."""
    body: dict[str, object] = {
        "price_id": checkout.price_id,
        "custom_data": checkout.custom_data,
        "environment": settings.paddle_environment,
    }
    if settings.paddle_client_token:
        body["client_token"] = settings.paddle_client_token
    return body
