"""A clock that tests set."""

from __future__ import annotations


class Clock:
    """A clock in seconds that tests advance."""

    def __init__(self, start: float = 1_000.0) -> None:
        self.time = start

    def __call__(self) -> float:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += seconds
