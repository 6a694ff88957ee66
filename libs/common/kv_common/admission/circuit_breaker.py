"""A circuit breaker: after a few failures in a row, stop asking for a while, then let one question through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES = 3
PAUSE_S = 1.0


class CircuitBreaker:
    """Opens after FAILURES failures in a row; while open, one attempt passes every PAUSE_S, and a success closes it.

    `now` is a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._next_attempt = 0.0

    def allows(self) -> bool:
        """Tell whether to try; while the breaker is open, a yes claims the one attempt."""
        if self._failures < FAILURES:
            return True
        now = self._now()
        if now < self._next_attempt:
            return False
        self._next_attempt = now + PAUSE_S
        return True

    def succeeded(self) -> None:
        """Note that the dependency answered."""
        self._failures = 0

    def failed(self) -> None:
        """Note that the dependency did not answer, or not as it should."""
        self._failures += 1
        self._next_attempt = self._now() + PAUSE_S
