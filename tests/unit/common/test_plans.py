"""kv_common.plans, compared with the price list."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kv_common.plans import CATALOG, DEFAULT_PLAN

PRICE_LIST = [
    ("free", 0, 10_000, 100_000_000, 10, 20),
    ("starter", 5, 100_000, 1_000_000_000, 50, 100),
    ("pro", 15, 1_000_000, 10_000_000_000, 100, 200),
    ("scale", 49, 10_000_000, 100_000_000_000, 500, 1_000),
    ("business", 149, 20_000_000, 1_000_000_000_000, 1_000, 2_000),
]


@pytest.mark.parametrize(("name", "price", "requests", "storage", "rate", "burst"), PRICE_LIST)
def test_plans_match_the_price_list(name: str, price: int, requests: int, storage: int, rate: int, burst: int) -> None:
    plan = CATALOG[name]

    assert (plan.name, plan.price) == (name, price)
    assert (plan.requests_per_month, plan.storage_bytes) == (requests, storage)
    assert (plan.requests_per_second, plan.burst) == (rate, burst)


def test_catalog_has_no_other_plans() -> None:
    assert list(CATALOG) == [row[0] for row in PRICE_LIST]


def test_default_plan_is_free() -> None:
    assert DEFAULT_PLAN.name == "free"
    assert DEFAULT_PLAN.price == 0


def test_more_expensive_plan_has_higher_limits() -> None:
    plans = sorted(CATALOG.values(), key=lambda plan: plan.price)

    for less, more in pairwise(plans):
        assert less.requests_per_month < more.requests_per_month
        assert less.storage_bytes < more.storage_bytes
        assert less.requests_per_second < more.requests_per_second
        assert less.burst < more.burst
