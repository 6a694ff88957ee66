"""The token bucket as one number (GCRA): the theoretical arrival time, at which the bucket is full again.

`admission.lua` computes the same in Redis for all processes; this is the bucket of one process while Redis is away.
Times are in microseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state after a question: whether it passed, the new arrival time, and what the caller may know of it."""

    allowed: bool
    arrival: float
    remaining: int
    reset: float
    retry: float


def ask(arrival: float, now: float, *, rate: int, burst: int, cost: int) -> Bucket:
    """Take `cost` requests from a bucket of `burst` that refills at `rate` a second; a refusal takes nothing."""
    interval = 1_000_000 / rate
    depth = burst * interval
    start = max(arrival, now)
    wanted = start + cost * interval
    allowed = wanted - now <= depth
    after = wanted if allowed else start
    return Bucket(
        allowed=allowed,
        arrival=after,
        remaining=math.floor((depth - (after - now)) / interval),
        reset=after - now,
        retry=0.0 if allowed else wanted - now - depth,
    )
