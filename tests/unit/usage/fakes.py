"""What usage depends on, kept in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kv_common.events import Event, RequestServed, Served
from usage_service.domain.metering import NOTHING_BOOKED, Booked
from usage_service.domain.periods import day_of_minute
from usage_service.domain.reports import AccountState, ByDay, MonthUse, NamespaceUse
from usage_service.domain.thresholds import FIRST_PLAN, Plan
from usage_service.persistence import AccountStateStore, LedgerStore, ReportStore, ThresholdStore
from usage_service.persistence.ledger import Outdated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from kv_common.events import Contract, NamespaceCreated, NamespaceDeleted, StorageChanged
    from usage_service.domain.metering import Step

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
NOW_S = 1_795_176_000.25  # 2026-11-20T12:00:00.250Z
MINUTE = int(NOW_S) // 60


def event(data: Contract, event_id: str = "event", *, at_s: float = NOW_S) -> Event:
    return Event(event_id, ACCOUNT, "correlation", int(at_s * 1_000_000), data)


def served(
    namespaces: Mapping[str, Served], *, minute: int = MINUTE, epoch: str = "e1", changes: int = 1
) -> RequestServed:
    return RequestServed(minute=minute, epoch=epoch, changes=changes, namespaces=dict(namespaces))


def nothing() -> None:
    """Do nothing."""


class FakeLedgerStore(LedgerStore):
    """Totals by day and namespace.

    `after_read` is called between the reading and the writing of a booking, `after_write` right behind the writing:
    a test lets other processes work there, or ends this one.
    """

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, str], Booked] = {}
        self.totals: Counter[tuple[date, str, str]] = Counter()
        self.after_read: Callable[[], None] = nothing
        self.after_write: Callable[[], None] = nothing
        self.is_closed = False

    def booked(self, account_id: str, minute: int, epoch: str) -> Booked:
        found = self.rows.get((account_id, minute, epoch), NOTHING_BOOKED)
        self.after_read()
        return found

    def book(self, account_id: str, minute: int, epoch: str, before: Booked, step: Step) -> bool:
        if self.is_closed:
            return False
        at = (account_id, minute, epoch)
        if self.rows.get(at, NOTHING_BOOKED).steps != before.steps:
            raise Outdated
        self.rows[at] = step.after
        self.totals.update(amounts(minute, step.differences))
        self.after_write()
        return True

    def sums(self) -> dict[tuple[date, str, str], int]:
        """Return the totals that are not nothing."""
        return {at: amount for at, amount in self.totals.items() if amount}


def amounts(minute: int, counts: Mapping[str, Served]) -> Counter[tuple[date, str, str]]:
    """Return counts as the ledger keeps them: by day, namespace, and operation or "in"."""
    day = day_of_minute(minute)
    found: Counter[tuple[date, str, str]] = Counter()
    for namespace, one in counts.items():
        found[day, namespace, "in"] += one.bytes_in
        for operation, count in one.requests.items():
            found[day, namespace, f"n#{operation}"] += count
    return found


class FakeAccountStateStore(AccountStateStore):
    """One account's plan and storage, and the month that every question is answered with."""

    def __init__(self) -> None:
        self.plan = FIRST_PLAN
        self.stored = 0
        self.requests = 0
        self.emitted: set[str] = set()
        self.names: dict[str, str] = {}
        self.seen: set[str] = set()
        self.months: list[str] = []

    def change_storage(self, event: Event, change: StorageChanged) -> None:
        if event.id not in self.seen:
            self.seen.add(event.id)
            self.stored += change.bytes_delta

    def name_namespace(self, event: Event, named: NamespaceCreated | NamespaceDeleted) -> None:
        assert event.account_id == ACCOUNT
        self.names[named.namespace_id] = named.name

    def change_plan(self, event: Event, plan: Plan) -> None:
        assert event.account_id == ACCOUNT
        if plan.changed_at_us > self.plan.changed_at_us:
            self.plan = plan

    def read(self, account_id: str, month: str) -> tuple[AccountState, MonthUse]:
        assert account_id == ACCOUNT
        self.months.append(month)
        use = MonthUse(month, Served(requests={"get": self.requests}, bytes_in=7), int(NOW_S), frozenset(self.emitted))
        return AccountState(self.plan, self.stored, 3), use


class FakeThresholdStore(ThresholdStore):
    """Keeps published events; `interrupt` is called before each, as by a faster consumer."""

    def __init__(self, standings: FakeAccountStateStore) -> None:
        self.standings = standings
        self.events: list[Event] = []
        self.interrupt: Callable[[], None] = nothing

    def publish(self, account_id: str, month: str, plan: Plan, events: Mapping[str, Event]) -> bool:
        assert all(one.id == f"{account_id}#{month}#{mark}" for mark, one in events.items())
        self.interrupt()
        if self.standings.emitted & events.keys() or plan != self.standings.plan:
            return False
        self.standings.emitted |= events.keys()
        self.events += events.values()
        return True


class FakeReportStore(ReportStore):
    """Days and namespaces of one account."""

    def __init__(self) -> None:
        self.found: dict[tuple[date, str], Served] = {}
        self.known: list[NamespaceUse] = []

    def days(self, account_id: str, first: date, last: date) -> ByDay:
        assert account_id == ACCOUNT
        return {(day, owner): one for (day, owner), one in self.found.items() if first <= day <= last}

    def namespaces(self, account_id: str) -> tuple[NamespaceUse, ...]:
        assert account_id == ACCOUNT
        return tuple(self.known)
