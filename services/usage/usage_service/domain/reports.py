"""What an account is shown of its usage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from kv_common.errors import field_error
from kv_common.events import Served
from usage_service.domain.metering import total
from usage_service.domain.periods import first_day, last_day, month_of

if TYPE_CHECKING:
    from usage_service.domain.thresholds import Plan

MAX_DAYS = 366
MAX_MONTHS = 24
DEFAULT_DAYS = 30
DEFAULT_MONTHS = 12

ByDay = Mapping[tuple[date, str], Served]
"""What was served, by day and namespace id."""


class Granularity(StrEnum):
    """How long the periods of a history are."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class AccountState:
    """What holds for an account now: its plan, and what it stores."""

    plan: Plan
    stored_bytes: int
    stored_keys: int


@dataclass(frozen=True, slots=True)
class MonthUse:
    """What an account was served in a month; `updated_at_s` is when that last changed, None if it never has."""

    month: str
    served: Served
    updated_at_s: int | None
    emitted: frozenset[str]
    """The markers of the crossings published for the month."""

    @property
    def requests(self) -> int:
        """All requests of the month."""
        return sum(self.served.requests.values())


@dataclass(frozen=True, slots=True)
class NamespaceUse:
    """A namespace by its id: its name, and what it stores."""

    id: str
    name: str | None
    stored_bytes: int
    stored_keys: int


@dataclass(frozen=True, slots=True)
class NameUse:
    """What all namespaces of one name were served, and what they store; None is the name of those without any."""

    name: str | None
    served: Served
    stored_bytes: int
    stored_keys: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an account has used in a month, and what holds for it now."""

    standing: AccountState
    use: MonthUse
    namespaces: tuple[NameUse, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a history, both included, and how they are taken together."""

    first: date
    last: date
    granularity: Granularity

    def periods(self) -> tuple[str, ...]:
        """Return every period in order, as `YYYY-MM-DD` or `YYYY-MM`."""
        days = (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
        return tuple(dict.fromkeys(self.period_of(day) for day in days))

    def period_of(self, day: date) -> str:
        """Return the period that a day belongs to."""
        return day.isoformat() if self.granularity is Granularity.DAY else month_of(day)


def span(granularity: Granularity, first: date | None, last: date | None, *, today: date) -> Span:
    """Return the span that a history asks for, up to today unless it says otherwise; one of months has whole months.

    ValidationError when it is too long, or ends before it begins.
    """
    last = last or today
    if granularity is Granularity.DAY:
        first, most = first or last - timedelta(days=DEFAULT_DAYS - 1), MAX_DAYS
        length = (last - first).days + 1
    else:
        first, most = first_day(month_of(first or _months_before(last, DEFAULT_MONTHS - 1))), MAX_MONTHS
        last = last_day(month_of(last))
        length = (last.year - first.year) * 12 + last.month - first.month + 1
    if length < 1:
        raise field_error("from", "out_of_range", "The history ends before it begins.")
    if length > most:
        raise field_error("from", "out_of_range", f"A history has {most} {granularity}s at most.")
    return Span(first, last, granularity)


def by_period(asked: Span, days: ByDay, namespaces: frozenset[str] | None) -> dict[str, Served]:
    """Return what was served in each period, in order and also where that is nothing.

    `namespaces` are the ids that count; None for all.
    """
    found: dict[str, list[Served]] = {period: [] for period in asked.periods()}
    for (day, namespace), served in days.items():
        if namespaces is None or namespace in namespaces:
            found[asked.period_of(day)].append(served)
    return {period: total(parts) for period, parts in found.items()}


def by_name(namespaces: Iterable[NamespaceUse], days: ByDay) -> tuple[NameUse, ...]:
    """Return what was served and is stored under each name, in order of the names; those with neither are left out.

    Requests of no namespace, and of one whose name is not known yet, come last, without a name.
    """
    names: dict[str, str | None] = {}
    uses: dict[str | None, list[NameUse]] = {}
    for one in namespaces:
        names[one.id] = one.name
        uses.setdefault(one.name, []).append(
            NameUse(one.name, Served(requests={}, bytes_in=0), one.stored_bytes, one.stored_keys)
        )
    for (_, namespace_id), served in days.items():
        name = names.get(namespace_id)
        uses.setdefault(name, []).append(NameUse(name, served, 0, 0))
    found = (
        NameUse(
            name,
            total(use.served for use in parts),
            sum(use.stored_bytes for use in parts),
            sum(use.stored_keys for use in parts),
        )
        for name, parts in uses.items()
    )
    used = (use for use in found if any(use.served.requests.values()) or use.stored_bytes or use.stored_keys)
    return tuple(sorted(used, key=lambda use: (use.name is None, use.name)))


def _months_before(day: date, months: int) -> date:
    for _ in range(months):
        day = day.replace(day=1) - timedelta(days=1)
    return day
