"""What usage depends on, kept in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kv_common.events import Event, RequestServed, Served
from usage_service.domain.metering import NOTHING_BOOKED, Booked
from usage_service.domain.periods import day_of_minute
from usage_service.store import MeterStore, StandingStore
from usage_service.store.meter import Outdated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from kv_common.events import Contract
    from usage_service.domain.metering import Step

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
NOW_S = 1_795_176_000.25  # 2026-11-20T12:00:00.250Z
MINUTE = int(NOW_S) // 60


def event(data: Contract, event_id: str = "event", account_id: str = ACCOUNT, at_s: float = NOW_S) -> Event:
    return Event(event_id, account_id, "correlation", int(at_s * 1_000_000), data)


def served(
    namespaces: Mapping[str, Served], *, minute: int = MINUTE, epoch: str = "e1", changes: int = 1
) -> RequestServed:
    return RequestServed(minute, epoch, changes, dict(namespaces))


class Died(BaseException):
    """The process that handled an event is no more."""


class Ledger(MeterStore):
    """Totals by day and namespace; `between` is called where a process has read and not yet written."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, str], Booked] = {}
        self.totals: Counter[tuple[str, date, str, str]] = Counter()
        self.between: Callable[[], None] = lambda: None
        self.closed: set[str] = set()
        self.bookings = 0

    def booked(self, account_id: str, minute: int, epoch: str) -> Booked:
        found = self.rows.get((account_id, minute, epoch), NOTHING_BOOKED)
        self.between()
        return found

    def book(self, account_id: str, minute: int, epoch: str, before: Booked, step: Step) -> bool:
        if account_id in self.closed:
            return False
        at = (account_id, minute, epoch)
        if self.rows.get(at, NOTHING_BOOKED).steps != before.steps:
            raise Outdated
        self.rows[at] = step.after
        self.bookings += 1
        for namespace, change in step.differences.items():
            day = day_of_minute(minute)
            self.totals[account_id, day, namespace, "in"] += change.bytes_in
            for operation, count in change.requests.items():
                self.totals[account_id, day, namespace, f"n#{operation}"] += count
        self.between()
        return True

    def sums(self) -> dict[tuple[str, date, str, str], int]:
        """Return the totals that are not nothing."""
        return {at: amount for at, amount in self.totals.items() if amount}


class Standing_(StandingStore):  # noqa: N801  # placeholder
    pass
