"""The prices of the simulated Paddle, in the form of real ones."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from kv_common.plans import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping

PRICES: Mapping[str, str] = MappingProxyType(
    {name: "pri_01" + f"simulated{name}".ljust(24, "0") for name, plan in CATALOG.items() if plan.price}
)
"""The price of each plan that is sold."""


def parameter() -> str:
    """Return the value of the stage's parameter PaddlePrices."""
    return ",".join(f"{price}={plan}" for plan, price in PRICES.items())


def amount_of(price_id: str) -> int:
    """Return what a price costs a month, in cents; a price of somebody else's costs a dollar."""
    return next((CATALOG[plan].price * 100 for plan, price in PRICES.items() if price == price_id), 100)
