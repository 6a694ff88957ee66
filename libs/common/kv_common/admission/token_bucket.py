"""The token bucket as one number (GCRA): the theoretical arrival time, at which the bucket is full again.

`admission.lua` computes the same in Redis for all processes; this is the bucket of one process while Redis is away.
Times are in microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state after a question: whether it passed, the new arrival time, and what the caller may know of it."""

    allowed: bool
    arrival: int
    remaining: int
    reset: int
    retry: int


def take(arrival: int, now: int, *, rate: int, burst: int, cost: int) -> Bucket:
    """Take `cost` requests from a bucket of `burst` that refills at `rate` a second; a refusal takes nothing.

    A cost of 0 looks, and is never refused. A cost above `burst` passes when the bucket is full, and leaves it in debt:
    nothing passes then until it is paid off at the rate, so that the rate holds.
    """
    # Whole microseconds, rounded up: no sum of them ever rounds, and no bucket fills faster than its rate.
    interval = -(-1_000_000 // rate)
    depth = burst * interval
    start = max(arrival, now)
    wanted = start + cost * interval
    # The soonest that it can pass: a cost above the depth waits for a full bucket, which is all there ever is.
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
