"""The plan catalog: prices, limits and quotas."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MB = 1_000_000
GB = 1_000 * MB


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: price in US dollars a month, requests a month, storage in bytes, requests a second and burst."""

    name: str
    price: int
    requests_per_month: int
    storage_bytes: int
    requests_per_second: int
    burst: int


CATALOG: Mapping[str, Plan] = MappingProxyType(
    {
        plan.name: plan
        for plan in (
            Plan("free", 0, 10_000, 100 * MB, 10, 20),
            Plan("starter", 5, 100_000, 1 * GB, 50, 100),
            Plan("pro", 15, 1_000_000, 10 * GB, 100, 200),
            Plan("scale", 49, 10_000_000, 100 * GB, 500, 1_000),
            Plan("business", 149, 20_000_000, 1_000 * GB, 1_000, 2_000),
        )
    }
)

DEFAULT_PLAN = CATALOG["free"]
"""The plan of accounts without a subscription."""
