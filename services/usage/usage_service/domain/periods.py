"""Months, days and minutes, in UTC: a request counts for the minute in which it was served, whenever it is reported.

A month is `YYYY-MM`, a minute is counted from 1970.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from kv_common.errors import field_error

MONTH_PATTERN = re.compile(r"2[0-9]{3}-[0-9]{2}", re.ASCII)
DAY_PATTERN = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)

OPEN_AFTER_END = timedelta(hours=72)
"""How long after its end a month accepts late reports; then it is closed."""

_EPOCH = date(1970, 1, 1)
_MINUTES_PER_DAY = 24 * 60
_US_PER_DAY = 86_400 * 1_000_000


def day_of_minute(minute: int) -> date:
    """Return the day that a minute belongs to."""
    return _EPOCH + timedelta(days=minute // _MINUTES_PER_DAY)


def day_of_us(microseconds: int) -> date:
    """Return the day of a moment in microseconds since 1970."""
    return _EPOCH + timedelta(days=microseconds // _US_PER_DAY)


def month_of(day: date) -> str:
    """Return the month that a day belongs to."""
    return day.isoformat()[:7]


def first_day(month: str) -> date:
    """Return the first day of a month."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """Return the last day of a month."""
    # The 28th and four days are in the next month, whatever the month.
    return (first_day(month).replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def day_or_month(text: str) -> str:
    """Return `text` if it is a day or a month; ValidationError otherwise."""
    try:
        if MONTH_PATTERN.fullmatch(text):
            first_day(text)
            return text
        if DAY_PATTERN.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise field_error("period", "invalid_format", "This is not a day (2026-11-20) or a month (2026-11).")


def closes_at_s(month: str) -> int:
    """Return when a month closes, in seconds since 1970."""
    end = datetime.combine(last_day(month) + timedelta(days=1), datetime.min.time(), UTC)
    return int((end + OPEN_AFTER_END).timestamp())
