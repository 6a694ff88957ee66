"""Paddle's timestamps, as integers that order: microseconds since 1970.

Paddle writes 0 to 9 digits of a second, so that as texts 47.03542Z comes after 47.035421Z.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def read(text: str) -> int:
    """Return the microseconds of an RFC 3339 timestamp, nanoseconds cut off; ValueError when it is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not an RFC 3339 timestamp")
    seconds, fraction, offset = found.groups()
    whole = (datetime.fromisoformat(seconds + offset) - _EPOCH) // _MICROSECOND
    return whole + int((fraction or "").ljust(6, "0")[:6])


def show(microseconds: int) -> str:
    """Return a time in ISO 8601 in UTC, to the microsecond."""
    return (_EPOCH + microseconds * _MICROSECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
