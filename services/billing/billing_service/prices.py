"""Which of Paddle's prices buys which plan: configuration of the stage, never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_common.plans import CATALOG, DEFAULT_PLAN

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAIR = re.compile(r"(pri_[a-z0-9]{1,64})=([a-z]+)", re.ASCII)


class InvalidPrices(RuntimeError):
    """The stage's prices cannot be read; the message says which."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Plans by price; a plan may have several prices, of which the first is offered."""

    plans: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Prices:
        """Return the prices in `pri_…=starter,pri_…=pro`; InvalidPrices for a pair that is none of ours."""
        plans: dict[str, str] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            found = _PAIR.fullmatch(pair)
            if found is None or found[2] not in CATALOG or found[2] == DEFAULT_PLAN.name or found[1] in plans:
                raise InvalidPrices(f"{pair!r} is not a price=plan pair, or names a price twice")
            plans[found[1]] = found[2]
        return cls(plans)

    def plan_of(self, price_id: str) -> str | None:
        """Return the plan that the price buys, or None for a price that is not ours."""
        return self.plans.get(price_id)

    def price_of(self, plan: str) -> str | None:
        """Return the price to offer for a plan, or None where it is not for sale."""
        return next((price for price, bought in self.plans.items() if bought == plan), None)
