"""Thresholds: which are reached, and that each is published once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import Unavailable
from kv_common.events import (
    NamespaceCreated,
    NamespaceDeleted,
    PlanChanged,
    PlanLimits,
    StorageChanged,
    ThresholdCrossed,
)
from tests.unit.usage.fakes import NOW_S, FakeAccountStateStore, FakeThresholdStore, event
from usage_service.domain.thresholds import Plan, crossings, percent
from usage_service.service import AccountStates, Thresholds

NOVEMBER_S = 1_793_491_200


class Harness:
    """AccountStates and thresholds over fakes."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.store = FakeAccountStateStore()
        self.reports = FakeThresholdStore(self.store)
        self.thresholds = Thresholds(self.store, self.reports, now_s=lambda: now_s)
        self.standings = AccountStates(self.store, self.thresholds)

    def publish(self) -> None:
        self.thresholds.publish(event(NamespaceCreated(namespace_id="n", name="app")), "2026-11", ("requests",))

    def published(self) -> list[tuple[str, int]]:
        data = [one.data for one in self.reports.events]
        return [(one.metric, one.threshold) for one in data if isinstance(one, ThresholdCrossed)]


@pytest.fixture
def harness() -> Harness:
    return Harness()


def change(changed_at_us: int, *, requests: int = 100, stored: int = 100) -> PlanChanged:
    return PlanChanged(
        from_plan="free",
        to_plan="pro",
        limits=PlanLimits(requests_per_second=1, burst=1, requests_per_month=requests, storage_bytes=stored),
        effective_at="2026-11-20T00:00:00Z",
        changed_at_us=changed_at_us,
        source_event="evt",
    )


@pytest.mark.parametrize(
    ("used", "reached"),
    [(0, []), (799, []), (800, [80]), (899, [80]), (900, [80, 90]), (999, [80, 90]), (1_000, [80, 90, 100])],
)
def test_a_threshold_is_reached_at_its_percentage_and_not_before(used: int, reached: list[int]) -> None:
    assert [one.threshold for one in crossings("requests", used, 1_000)] == reached


@pytest.mark.parametrize(("used", "reached"), [(-5, 0), (0, 0), (1, 3)])
def test_of_a_limit_of_nothing_every_use_reaches_all(used: int, reached: int) -> None:
    assert len(crossings("storage", used, 0)) == reached
    assert percent(max(0, used), 0) == (100 if used > 0 else 0)


@given(used=st.integers(0, 10**15), limit=st.integers(1, 10**13))
def test_a_percentage_is_rounded_down_and_says_100_only_when_it_is_reached(used: int, limit: int) -> None:
    shown = percent(used, limit)
    assert (shown >= 100) == (used >= limit)
    assert abs(Fraction(used * 100, limit) - Fraction(shown)) < Fraction(1, 50) + Fraction(shown) / 10**12
    for threshold in (80, 90, 100):
        assert (shown >= threshold) == (used * 100 >= threshold * limit)


def test_all_thresholds_crossed_at_once_are_published(harness: Harness) -> None:
    harness.store.requests = 25_000
    harness.publish()
    assert harness.published() == [("requests", 80), ("requests", 90), ("requests", 100)]
    [first, *_] = harness.reports.events
    assert first.data == ThresholdCrossed(
        period="2026-11", metric="requests", threshold=80, used=25_000, limit=10_000, plan="free"
    )
    assert first.correlation_id == "correlation"
    assert len({one.id for one in harness.reports.events}) == 3


def test_published_threshold_is_not_published_again(harness: Harness) -> None:
    harness.store.requests = 8_500
    for _ in range(3):
        harness.publish()
    harness.store.requests = 9_500
    harness.publish()
    assert harness.published() == [("requests", 80), ("requests", 90)]


def test_who_is_slower_tells_only_what_is_left(harness: Harness) -> None:
    harness.store.requests = 9_500

    def overtake() -> None:
        harness.store.emitted.add("requests#80#0")

    harness.reports.interrupt = overtake
    harness.publish()
    assert harness.published() == [("requests", 90)]


def test_a_change_of_plan_meanwhile_is_what_counts(harness: Harness) -> None:
    harness.store.requests = 8_500

    def rise() -> None:
        harness.store.plan = Plan("pro", 1_000_000, 1, changed_at_us=1)

    harness.reports.interrupt = rise
    harness.publish()
    assert harness.published() == []


def test_who_never_comes_to_tell_leaves_the_event_to_come_again(harness: Harness) -> None:
    harness.store.requests = 8_500
    harness.reports.interrupt = lambda: setattr(
        harness.store, "plan", Plan("free", 10_000, 1, harness.store.plan.changed_at_us + 1)
    )
    with pytest.raises(Unavailable):
        harness.publish()


def test_a_change_of_plan_judges_requests_and_storage_at_once(harness: Harness) -> None:
    harness.store.requests, harness.store.stored = 85, 95
    harness.standings.change_plan(event(change(1)))
    assert harness.published() == [("requests", 80), ("storage", 80), ("storage", 90)]
    harness.standings.change_plan(event(change(1)))
    assert len(harness.published()) == 3
    harness.standings.change_plan(event(change(2)))
    assert len(harness.published()) == 6
    assert len({one.id for one in harness.reports.events}) == 6


def test_storage_counts_for_the_month_of_its_event() -> None:
    harness = Harness(now_s=NOVEMBER_S + 3_600)
    harness.store.plan = Plan("pro", 100, 100, 1)
    harness.standings.change_storage(
        event(
            StorageChanged(namespace_id="n", bytes_delta=90, keys_delta=1, shard="s", sequence="1"), at_s=NOVEMBER_S - 1
        )
    )
    assert {one.data.period for one in harness.reports.events if isinstance(one.data, ThresholdCrossed)} == {"2026-10"}


def test_storage_that_was_seen_before_is_judged_again(harness: Harness) -> None:
    harness.store.plan = Plan("pro", 100, 100, 1)
    harness.store.seen.add("event")
    harness.store.stored = 85
    harness.standings.change_storage(
        event(StorageChanged(namespace_id="n", bytes_delta=85, keys_delta=1, shard="s", sequence="1"))
    )
    assert harness.published() == [("storage", 80)]


def test_a_name_is_kept_whichever_event_comes_first(harness: Harness) -> None:
    harness.standings.name_namespace(event(NamespaceDeleted(namespace_id="n", name="app")))
    harness.standings.name_namespace(event(NamespaceCreated(namespace_id="n", name="app")))
    assert harness.store.names == {"n": "app"}
