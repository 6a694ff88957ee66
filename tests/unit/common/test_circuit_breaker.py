"""The circuit breaker."""

from __future__ import annotations

import pytest

from kv_common.admission.circuit_breaker import CircuitBreaker
from tests.unit.common.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_a_new_breaker_lets_everything_through(breaker: CircuitBreaker) -> None:
    assert all(breaker.allows() for _ in range(10))


def test_two_failures_change_nothing_and_three_in_a_row_open_it(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert breaker.allows()

    breaker.failed()
    assert not breaker.allows()


def test_a_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)

    assert breaker.allows()


def test_while_open_one_attempt_passes_each_second(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    passed = 0
    for _ in range(100):
        clock.pass_by(0.1)
        if breaker.allows():
            passed += 1
            breaker.failed()

    assert 9 <= passed <= 10


def test_an_attempt_that_never_reports_back_does_not_close_or_block_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.pass_by(1)

    assert breaker.allows()
    assert not breaker.allows()
    clock.pass_by(1)
    assert breaker.allows()


def test_a_failed_attempt_keeps_it_open_and_one_success_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.pass_by(1)
    fail(breaker, 1)
    assert not breaker.allows()

    clock.pass_by(1)
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(10))
