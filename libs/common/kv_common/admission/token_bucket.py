"""The token bucket as one number (GCRA): the theoretical arrival time, at which the bucket is full again.

`admission.lua` computes the same in Redis for all processes; this is the bucket of one process while Redis is away.
Times are in microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state after a request: whether it passed, the new arrival time, and what the headers show."""

    allowed: bool
    arrival: int
    remaining: int
    reset: int
    retry: int


def take(arrival: int, now: int, *, rate: int, burst: int, cost: int) -> Bucket:
    """Take `cost` requests from a bucket of `burst` that refills at `rate` a second; a denial takes nothing.

    A cost of 0 reads the state and is never denied. A cost above `burst` passes when the bucket is full and leaves it
    in debt: nothing passes until the debt is paid off at the rate, so the rate holds.
    """
    # Whole microseconds, rounded up: sums are exact, and no bucket fills faster than its rate.
    interval = -(-1_000_000 // rate)
    depth = burst * interval
    start = max(arrival, now)
    wanted = start + cost * interval
    # The earliest time it can pass: a cost above the depth waits for a full bucket.
    wait = start - now + min(cost * interval, depth) - depth
    allowed = cost == 0 or wait <= 0
    after = wanted if allowed else start
    return Bucket(
        allowed=allowed,
        arrival=after,
        remaining=max(0, depth - (after - now)) // interval,
        reset=after - now,
        retry=0 if allowed else wait,
    )
