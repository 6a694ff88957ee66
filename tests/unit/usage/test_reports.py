"""What a history spans, and how days and namespaces are taken together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import ValidationError
from kv_common.events import Served
from usage_service.domain.periods import closes_at_s, day_of_minute, first_day, last_day, month_of
from usage_service.domain.reports import Granularity, NamespaceUse, NameUse, Span, by_name, by_period, span

DAY, MONTH = Granularity.DAY, Granularity.MONTH
TODAY = date(2026, 11, 20)


@given(moment=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  # Hypothesis wants them naive
def test_a_minute_belongs_to_the_day_and_month_of_the_calendar(moment: datetime) -> None:
    minute = int(moment.replace(tzinfo=UTC).timestamp()) // 60
    day = day_of_minute(minute)
    assert day == moment.date()
    month = month_of(day)
    assert month == moment.strftime("%Y-%m")
    assert first_day(month) <= day <= last_day(month)
    assert month_of(last_day(month) + timedelta(days=1)) != month
    after = last_day(month) + timedelta(days=4)
    assert closes_at_s(month) == datetime(after.year, after.month, after.day, tzinfo=UTC).timestamp()


def test_a_history_is_of_thirty_days_or_twelve_months_unless_it_says_otherwise() -> None:
    days = span(DAY, None, None, today=TODAY)
    assert (days.periods()[0], days.periods()[-1], len(days.periods())) == ("2026-10-22", "2026-11-20", 30)
    months = span(MONTH, None, None, today=TODAY)
    assert (months.periods()[0], months.periods()[-1], len(months.periods())) == ("2025-12", "2026-11", 12)


def test_a_history_of_months_has_whole_months() -> None:
    request = span(MONTH, date(2026, 1, 15), date(2026, 2, 3), today=TODAY)
    assert request == Span(date(2026, 1, 1), date(2026, 2, 28), MONTH)
    assert request.periods() == ("2026-01", "2026-02")


@pytest.mark.parametrize(
    ("granularity", "first", "last"),
    [(DAY, date(2024, 1, 1), date(2024, 12, 31)), (MONTH, date(2025, 1, 1), date(2026, 12, 31))],
    ids=["days", "months"],
)
def test_a_history_has_366_days_or_24_months_at_most(granularity: Granularity, first: date, last: date) -> None:
    assert len(span(granularity, first, last, today=TODAY).periods()) in (366, 24)
    for too_long in ((first - timedelta(days=1), last), (first, last + timedelta(days=1))):
        with pytest.raises(ValidationError, match="at most"):
            span(granularity, *too_long, today=TODAY)


@pytest.mark.parametrize("granularity", [DAY, MONTH])
def test_a_history_ends_after_it_begins(granularity: Granularity) -> None:
    with pytest.raises(ValidationError, match="before it begins"):
        span(granularity, date(2026, 12, 1), None, today=TODAY)


def test_periods_without_use_are_listed_too() -> None:
    request = Span(date(2026, 11, 18), date(2026, 11, 20), DAY)
    days = {
        (date(2026, 11, 18), "a"): Served(requests={"get": 1}, bytes_in=10),
        (date(2026, 11, 18), "b"): Served(requests={"get": 2, "put": 1}, bytes_in=5),
        (date(2026, 11, 20), "b"): Served(requests={"put": 4}, bytes_in=0),
    }
    assert by_period(request, days, None) == {
        "2026-11-18": Served(requests={"get": 3, "put": 1}, bytes_in=15),
        "2026-11-19": Served(requests={}, bytes_in=0),
        "2026-11-20": Served(requests={"put": 4}, bytes_in=0),
    }
    assert by_period(request, days, frozenset({"a"}))["2026-11-20"] == Served(requests={}, bytes_in=0)


def test_namespaces_of_the_same_name_are_one_and_those_without_a_name_come_last() -> None:
    known = [
        NamespaceUse("1", "app", 0, 0),
        NamespaceUse("2", "app", 70, 2),
        NamespaceUse("3", "unused", 0, 0),
        NamespaceUse("4", None, 5, 1),
    ]
    days = {
        (TODAY, "1"): Served(requests={"get": 5}, bytes_in=1),
        (TODAY, "2"): Served(requests={"get": 1, "put": 1}, bytes_in=2),
        (TODAY, "-"): Served(requests={"list": 3}, bytes_in=0),
    }
    assert by_name(known, days) == (
        NameUse("app", Served(requests={"get": 6, "put": 1}, bytes_in=3), 70, 2),
        NameUse(None, Served(requests={"list": 3}, bytes_in=0), 5, 1),
    )
