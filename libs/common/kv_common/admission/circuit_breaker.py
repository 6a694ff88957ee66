"""A circuit breaker: after consecutive failures, stop calling for a while, then let one attempt through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES = 3
PAUSE_S = 1.0


class CircuitBreaker:
    """Opens after FAILURES consecutive failures; while open, one attempt passes every PAUSE_S, and a success closes it.

    `now` is a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._next_attempt = 0.0

    def allows(self) -> bool:
        """Return whether to try; while the breaker is open, True claims the one attempt."""
        if self._failures < FAILURES:
            return True
        now = self._now()
        if now < self._next_attempt:
            return False
        self._next_attempt = now + PAUSE_S
        return True

    def succeeded(self) -> None:
        """Record a success."""
        self._failures = 0

    def failed(self) -> None:
        """Record a failure."""
        self._failures += 1
        self._next_attempt = self._now() + PAUSE_S
