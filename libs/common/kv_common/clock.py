"""Times: stored in milliseconds since 1970, in ISO 8601 in the API."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], int]
"""Milliseconds since 1970."""

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def now_ms() -> int:
    """Return the current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def timestamp(milliseconds: int) -> str:
    """Return a time in ISO 8601 in UTC, to the millisecond."""
    # A page of a thousand keys has two thousand timestamps; this takes a third of datetime's time.
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{_date(days)}T{_TWO_DIGITS[hour]}:{_TWO_DIGITS[minute]}:{_TWO_DIGITS[second]}.{rest:03d}Z"


def http_date(seconds: int) -> str:
    """Return a time, in seconds since 1970, in the format of HTTP headers (RFC 9110, section 5.6.7)."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{_http_day(days)} {_TWO_DIGITS[hour]}:{_TWO_DIGITS[minute]}:{_TWO_DIGITS[second]} GMT"


@lru_cache(maxsize=1_024)
def _http_day(days: int) -> str:
    date = (_EPOCH + timedelta(days)).date()
    # strftime's names depend on the locale; importing email.utils takes a tenth of a cold start.
    return f"{_WEEKDAYS[date.weekday()]}, {date.day:02d} {_MONTHS[date.month - 1]} {date.year:04d}"


@lru_cache(maxsize=1_024)
def _date(days: int) -> str:
    """Return a day, counted from 1970, as YYYY-MM-DD."""
    return (_EPOCH + timedelta(days)).date().isoformat()


def milliseconds(text: str) -> int:
    """Return the time of an RFC 3339 timestamp, rounded up to the millisecond.

    Raises ValueError if it is malformed, has no UTC offset or is not an existing date.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not an RFC 3339 timestamp")
    # Integer arithmetic: a float is not exact to the millisecond for far years.
    return -((_EPOCH - datetime.fromisoformat(text)) // timedelta(milliseconds=1))


def month(milliseconds: int) -> str:
    """Return the month of a time, in UTC, as YYYY-MM."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m")


def day(milliseconds: int) -> str:
    """Return the day of a time, in UTC, as YYYY-MM-DD."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")


def month_span(milliseconds: int) -> tuple[int, int]:
    """Return the start and end of the month of a time, in UTC, in milliseconds since 1970."""
    return _month_span_of_day(milliseconds // _DAY_MS)


@lru_cache(maxsize=4)
def _month_span_of_day(number: int) -> tuple[int, int]:
    """Return the month of a day, counted from 1970; cached because every response needs the current one."""
    now = datetime.fromtimestamp(number * _DAY_MS / 1000, UTC)
    start = int(datetime(now.year, now.month, 1, tzinfo=UTC).timestamp())
    end = start + calendar.monthrange(now.year, now.month)[1] * 86_400
    return start * 1000, end * 1000
