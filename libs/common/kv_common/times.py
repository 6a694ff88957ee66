"""Times as the services keep them, in milliseconds since 1970, and as the API shows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Milliseconds since 1970."""


def now_ms() -> int:
    """Return the time by this machine's clock."""
    return time.time_ns() // 1_000_000


def timestamp(milliseconds: int) -> str:
    """Return a time in ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{milliseconds % 1000:03d}Z"


def month(milliseconds: int) -> str:
    """Return the month of a time, in UTC, as YYYY-MM."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m")
