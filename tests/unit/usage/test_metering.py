"""RequestServed: whatever happens to its reports on the way, the totals are those of the newest."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import Unavailable
from kv_common.events import RequestServed, Served
from tests.unit.usage.fakes import (
    MINUTE,
    NOW_S,
    FakeAccountStateStore,
    FakeLedgerStore,
    FakeThresholdStore,
    amounts,
    event,
    nothing,
    served,
)
from usage_service import service as operations
from usage_service.domain.metering import NOTHING_BOOKED, Booked, next_step, total
from usage_service.service import Thresholds, UsageLedger

if TYPE_CHECKING:
    from kv_common.events import Event

# The last minutes of October, which is open until 4 November, and the first of November.
TURN_OF_THE_MONTH = 1_793_491_200 // 60
THREE_DAYS_S = 72 * 3_600


class Died(Exception):
    """The process that handled an event is no more."""


class Harness:
    """The meter over fakes."""

    def __init__(self, now_s: float = NOW_S) -> None:
        self.now_s = now_s
        self.ledger, self.standings = FakeLedgerStore(), FakeAccountStateStore()
        self.reports = FakeThresholdStore(self.standings)
        self.late: list[tuple[Event, int]] = []
        thresholds = Thresholds(self.standings, self.reports, now_s=lambda: self.now_s)
        self.meter = UsageLedger(
            self.ledger,
            thresholds,
            now_s=lambda: self.now_s,
            too_late=lambda late, requests: self.late.append((late, requests)),
        )

    def book(self, *reports: RequestServed) -> None:
        for report in reports:
            self.meter.book(event(report))


@pytest.fixture
def harness() -> Harness:
    return Harness()


counts = st.dictionaries(
    st.sampled_from(["-", "a", "b", "c"]),
    st.builds(
        Served,
        requests=st.dictionaries(st.sampled_from(["get", "put"]), st.integers(0, 9), max_size=2),
        bytes_in=st.integers(0, 99),
    ),
    max_size=4,
)


@st.composite
def reports(draw: st.DrawFn) -> list[RequestServed]:
    """Reports of some minutes and epochs, each with its own `changes`; counts may shrink."""
    minutes = st.integers(TURN_OF_THE_MONTH - 2, TURN_OF_THE_MONTH + 1)
    drawn = draw(
        st.lists(st.tuples(minutes, st.sampled_from("xy"), st.integers(0, 20)), min_size=1, max_size=9, unique=True)
    )
    return [
        RequestServed(minute=minute, epoch=epoch, changes=changes, namespaces=draw(counts))
        for minute, epoch, changes in drawn
    ]


def sums_of_newest(history: list[RequestServed]) -> dict[object, int]:
    newest = {(one.minute, one.epoch): one for one in sorted(history, key=lambda one: one.changes)}
    sums: Counter[object] = Counter()
    for (minute, _), one in newest.items():
        sums.update(amounts(minute, one.namespaces))
    return {at: amount for at, amount in sums.items() if amount}


@given(history=reports(), seed=st.integers(0, 2**32))
def test_duplicated_shuffled_and_interrupted_reports_end_in_the_totals_of_the_newest(
    history: list[RequestServed], seed: int
) -> None:
    chance = random.Random(seed)
    harness = Harness(now_s=TURN_OF_THE_MONTH * 60 + 3_600)
    waiting = [*history, *chance.choices(history, k=chance.randrange(6))]
    chance.shuffle(waiting)
    deaths = iter(range(10))

    def elsewhere() -> None:
        """Let other processes take some of the messages, or end this one, and its message comes again."""
        while waiting and chance.random() < 0.4:
            handle(waiting.pop())
        if chance.random() < 0.2 and next(deaths, None) is not None:
            raise Died

    def handle(one: RequestServed) -> None:
        try:
            harness.book(one)
        except Died:
            waiting.insert(chance.randint(0, len(waiting)), one)

    harness.ledger.after_read = harness.ledger.after_write = elsewhere
    while waiting:
        handle(waiting.pop())

    assert harness.ledger.sums() == sums_of_newest(history)
    # And what comes again after that finds nothing left to do.
    before = dict(harness.ledger.rows)
    harness.ledger.after_read = harness.ledger.after_write = nothing
    harness.book(*history)
    assert harness.ledger.rows == before


@given(history=reports(), at_most=st.integers(1, 3))
def test_steps_of_any_size_lead_to_the_same_totals(history: list[RequestServed], at_most: int) -> None:
    booked: dict[tuple[int, str], Booked] = {}
    sums: Counter[object] = Counter()
    for one in history:
        at = (one.minute, one.epoch)
        while step := next_step(booked.get(at, NOTHING_BOOKED), one, at_most=at_most):
            assert len(step.differences) <= at_most
            sums.update(amounts(one.minute, step.differences))
            booked[at] = step.after
    assert {at: amount for at, amount in sums.items() if amount} == sums_of_newest(history)


def test_a_telling_of_more_namespaces_than_a_transaction_holds_is_booked_in_steps(harness: Harness) -> None:
    many = served(
        {f"n{number}": Served(requests={"get": 1}, bytes_in=0) for number in range(3 * operations.NAMESPACES_PER_STEP)}
    )
    steps: list[int] = []
    harness.ledger.after_write = lambda: steps.append(1)
    harness.book(many)
    assert len(steps) == 3
    assert sum(harness.ledger.sums().values()) == 3 * operations.NAMESPACES_PER_STEP


def test_who_ends_between_two_steps_leaves_the_rest_to_the_next(harness: Harness) -> None:
    def die() -> None:
        raise Died

    many = served(
        {
            f"n{number:03}": Served(requests={"get": 2}, bytes_in=0)
            for number in range(operations.NAMESPACES_PER_STEP + 5)
        }
    )
    harness.ledger.after_write = die
    with pytest.raises(Died):
        harness.book(many)
    assert len(harness.ledger.sums()) == operations.NAMESPACES_PER_STEP
    harness.ledger.after_write = nothing
    harness.book(many)
    assert len(harness.ledger.sums()) == operations.NAMESPACES_PER_STEP + 5
    assert set(harness.ledger.sums().values()) == {2}


def test_empty_report_takes_back_the_earlier_counts(harness: Harness) -> None:
    harness.book(served({"a": Served(requests={"get": 3}, bytes_in=5)}), served({}, changes=2))
    assert harness.ledger.sums() == {}


def test_a_first_telling_counts_whatever_its_changes_are(harness: Harness) -> None:
    harness.book(served({"a": Served(requests={"get": 3}, bytes_in=0)}, changes=0))
    assert sum(harness.ledger.sums().values()) == 3


def test_a_month_is_open_for_72_hours_after_its_end() -> None:
    end_s = TURN_OF_THE_MONTH * 60
    last_of_october = served({"a": Served(requests={"get": 2, "put": 1}, bytes_in=0)}, minute=TURN_OF_THE_MONTH - 1)
    open_still, closed = Harness(end_s + THREE_DAYS_S - 1), Harness(end_s + THREE_DAYS_S)
    for one in (open_still, closed):
        one.book(last_of_october)
    assert sum(open_still.ledger.sums().values()) == 3
    assert open_still.late == []
    assert closed.ledger.sums() == {}
    assert [requests for _, requests in closed.late] == [3]


def test_closed_month_publishes_no_threshold() -> None:
    harness = Harness(TURN_OF_THE_MONTH * 60 + THREE_DAYS_S)
    harness.standings.requests = 1_000_000
    harness.book(served({"a": Served(requests={"get": 1}, bytes_in=0)}, minute=TURN_OF_THE_MONTH - 1))
    assert harness.reports.events == []


def test_nothing_is_booked_of_a_deleted_account(harness: Harness) -> None:
    harness.ledger.is_closed = True
    harness.book(served({"a": Served(requests={"get": 3}, bytes_in=0)}))
    assert harness.ledger.sums() == {}


def test_who_loses_every_race_leaves_the_event_to_come_again(harness: Harness) -> None:
    changes = iter(range(1, 1_000))

    def overtake() -> None:
        report = served({"a": Served(requests={"get": 1}, bytes_in=0)}, changes=next(changes))
        step = next_step(harness.ledger.rows.get(at, NOTHING_BOOKED), report, at_most=1)
        assert step is not None
        harness.ledger.rows[at] = step.after

    at = (event(served({})).account_id, MINUTE, "e1")
    harness.ledger.after_read = overtake
    with pytest.raises(Unavailable):
        harness.book(served({"a": Served(requests={"get": 1}, bytes_in=0)}, changes=10_000))


def test_a_sum_has_every_operation_and_all_bytes() -> None:
    parts = [Served(requests={"get": 2, "put": 1}, bytes_in=10), Served(requests={"get": -1}, bytes_in=5)]
    assert total(parts) == Served(requests={"get": 1, "put": 1}, bytes_in=15)
