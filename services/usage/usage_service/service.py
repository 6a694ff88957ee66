"""What usage does about events, and what it reports; stores and clocks come as parameters."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from kv_common.dynamodb import TransactionConflict
from kv_common.identifiers import no_such_namespace
from usage_service import events as facts
from usage_service.domain.metering import next_step, total
from usage_service.domain.periods import closes_at_s, day_of_minute, day_of_us, first_day, last_day, month_of
from usage_service.domain.reports import Report, by_name, by_period
from usage_service.domain.thresholds import Plan, crossings, mark, unpublished
from usage_service.persistence.ledger import Outdated

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.events import (
        Event,
        NamespaceCreated,
        NamespaceDeleted,
        PlanChanged,
        RequestServed,
        Served,
        StorageChanged,
    )
    from usage_service.domain.reports import Span
    from usage_service.domain.thresholds import Metric
    from usage_service.persistence import AccountStateStore, LedgerStore, ReportStore, ThresholdStore

    NowS = Callable[[], float]

NAMESPACES_PER_STEP = 90
"""With the three other items of a booking they fit a transaction."""

_ATTEMPTS = 10


class UsageLedger:
    """Books requests by the minute they were served in."""

    def __init__(
        self,
        store: LedgerStore,
        thresholds: Thresholds,
        *,
        now_s: NowS,
        too_late: Callable[[Event, int], None],
    ) -> None:
        self._store = store
        self._thresholds = thresholds
        self._now_s = now_s
        self._too_late = too_late

    def book(self, event: Event) -> None:
        """Bring the totals up to RequestServed, unless a newer report is recorded or the month has closed."""
        report = cast("RequestServed", event.data)
        month = month_of(day_of_minute(report.minute))
        if closes_at_s(month) <= self._now_s():
            # Sending it to the dead-letter queue would only bring it back, to the same end.
            self._too_late(event, sum(total(report.namespaces.values()).requests.values()))
            return
        self._bring_up(event.account_id, report)
        self._thresholds.publish(event, month, ("requests",))

    def _bring_up(self, account_id: str, report: RequestServed) -> None:
        for _ in range(_ATTEMPTS):
            # Another consumer may have recorded this report, an older one or a newer one.
            with suppress(Outdated):
                return self._book_from_where_it_stands(account_id, report)
        raise TransactionConflict

    def _book_from_where_it_stands(self, account_id: str, report: RequestServed) -> None:
        booked = self._store.booked(account_id, report.minute, report.epoch)
        while step := next_step(booked, report, at_most=NAMESPACES_PER_STEP):
            if not self._store.book(account_id, report.minute, report.epoch, booked, step):
                return
            booked = step.after


class AccountStates:
    """Keeps what holds for an account now."""

    def __init__(self, store: AccountStateStore, thresholds: Thresholds) -> None:
        self._store = store
        self._thresholds = thresholds

    def change_storage(self, event: Event) -> None:
        """Apply StorageChanged."""
        self._store.change_storage(event, cast("StorageChanged", event.data))
        # Also when it was applied before: whoever did may have ended in between.
        self._thresholds.publish(event, _month_of(event), ("storage",))

    def change_plan(self, event: Event) -> None:
        """Apply PlanChanged: under new limits every threshold can be published again, and some are crossed at once."""
        change = cast("PlanChanged", event.data)
        limits = change.limits
        plan = Plan(change.to_plan, limits.requests_per_month, limits.storage_bytes, change.changed_at_us)
        self._store.change_plan(event, plan)
        self._thresholds.publish(event, _month_of(event), ("requests", "storage"))

    def name_namespace(self, event: Event) -> None:
        """Apply NamespaceCreated and NamespaceDeleted: which of them comes first does not matter."""
        self._store.name_namespace(event, cast("NamespaceCreated | NamespaceDeleted", event.data))


class Thresholds:
    """Publishes the crossings of a month, each once."""

    def __init__(self, standings: AccountStateStore, store: ThresholdStore, *, now_s: NowS) -> None:
        self._standings = standings
        self._store = store
        self._now_s = now_s

    def publish(self, event: Event, month: str, metrics: tuple[Metric, ...]) -> None:
        """Publish the crossings that `event` caused and that are not published yet; none for a closed month."""
        if closes_at_s(month) <= self._now_s():
            return
        for _ in range(_ATTEMPTS):
            standing, use = self._standings.read(event.account_id, month)
            plan = standing.plan
            of_metric = {
                "requests": (use.requests, plan.requests_per_month),
                "storage": (standing.stored_bytes, plan.storage_bytes),
            }
            found = [crossing for metric in metrics for crossing in crossings(metric, *of_metric[metric])]
            new = unpublished(found, plan, use.emitted)
            if not new:
                return
            events = {
                mark(crossing, plan): facts.threshold_crossed(
                    event.account_id,
                    month,
                    crossing,
                    plan,
                    correlation_id=event.correlation_id,
                    now_s=self._now_s(),
                )
                for crossing in new
            }
            if self._store.publish(event.account_id, month, plan, events):
                return
        raise TransactionConflict


class Reports:
    """What an account is shown."""

    def __init__(self, standings: AccountStateStore, store: ReportStore, *, now_s: NowS) -> None:
        self._standings = standings
        self._store = store
        self._now_s = now_s

    def month(self, account_id: str) -> Report:
        """Return the account's use of this month."""
        month = month_of(day_of_us(int(self._now_s() * 1_000_000)))
        standing, use = self._standings.read(account_id, month)
        days = self._store.days(account_id, first_day(month), last_day(month))
        return Report(standing, use, by_name(self._store.namespaces(account_id), days))

    def history(self, account_id: str, span: Span, namespace: str | None) -> dict[str, Served]:
        """Return what was served in each period; NotFound for a namespace that the account has never had."""
        ids = None
        if namespace is not None:
            ids = frozenset(one.id for one in self._store.namespaces(account_id) if one.name == namespace)
            if not ids:
                raise no_such_namespace()
        return by_period(span, self._store.days(account_id, span.first, span.last), ids)


def _month_of(event: Event) -> str:
    return month_of(day_of_us(event.occurred_at_us))
