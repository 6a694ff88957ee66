"""kv_common.retry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kv_common import retry


class Busy(Exception):
    """A failure that passes."""


class Broken(Exception):
    """A failure that stays."""


class Operation:
    """Raises `failures` one after the other, then returns the number of calls."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.pauses: list[float] = []

    def __call__(self) -> int:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.calls

    def retried(self, *, attempts: int | None = 5, first_pause_s: float = 0.1, max_pause_s: float = 0.4) -> int:
        return retry.call(
            self,
            on=Busy,
            attempts=attempts,
            first_pause_s=first_pause_s,
            max_pause_s=max_pause_s,
            sleep=self.pauses.append,
        )


def test_success_is_returned_without_a_pause() -> None:
    operation = Operation()
    assert operation.retried() == 1
    assert operation.pauses == []


def test_accepted_exception_is_retried_after_a_pause() -> None:
    operation = Operation(Busy(), Busy())
    assert operation.retried() == 3
    assert len(operation.pauses) == 2


def test_other_exception_is_raised_at_once() -> None:
    operation = Operation(Broken(), Busy())
    with pytest.raises(Broken):
        operation.retried()
    assert operation.calls == 1


def test_other_exception_ends_the_retries() -> None:
    operation = Operation(Busy(), Broken(), Busy())
    with pytest.raises(Broken):
        operation.retried()
    assert operation.calls == 2


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_last_exception_is_raised_after_all_attempts(attempts: int) -> None:
    failures = [Busy(str(number)) for number in range(1, 9)]
    operation = Operation(*failures)
    with pytest.raises(Busy, match=str(attempts)):
        operation.retried(attempts=attempts)
    assert operation.calls == attempts
    assert len(operation.pauses) == attempts - 1


def test_attempts_can_be_unlimited() -> None:
    operation = Operation(*[Busy() for _ in range(60)])
    assert operation.retried(attempts=None) == 61


def test_predicate_decides_about_a_retry() -> None:
    operation = Operation(Busy("again"), Busy("stop"))
    with pytest.raises(Busy, match="stop"):
        retry.call(
            operation,
            on=lambda error: "again" in str(error),
            attempts=5,
            first_pause_s=0.1,
            max_pause_s=0.1,
            sleep=operation.pauses.append,
        )
    assert operation.calls == 2


def test_pause_is_random_below_a_limit_that_doubles() -> None:
    limits = [0.1, 0.2, 0.4, 0.4]
    runs = []
    for _ in range(50):
        operation = Operation(*[Busy() for _ in limits])
        operation.retried()
        runs.append(operation.pauses)
    for limit, pauses in zip(limits, zip(*runs, strict=True), strict=True):
        assert all(0 <= pause <= limit for pause in pauses)
        assert max(pauses) > limit / 2
        assert len(set(pauses)) > 1


def test_tenacity_is_imported_by_the_first_retry_only() -> None:
    program = """
import sys
from kv_common import retry
failures = [ValueError()]
def fails_once():
    if failures:
        raise failures.pop()
def call(operation):
    retry.call(operation, on=ValueError, attempts=2, first_pause_s=0, max_pause_s=0)
call(lambda: None)
assert "tenacity" not in sys.modules
call(fails_once)
assert "tenacity" in sys.modules
"""
    finished = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (finished.returncode, finished.stderr) == (0, "")
