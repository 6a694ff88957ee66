"""The token bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kv_common.admission import token_bucket

NOW = 1_773_119_783_000_000
"""Some time in 2026, in microseconds: large enough for floating point to round."""

SECOND = 1_000_000

rates = st.integers(1, 5_000)
"""Also rates whose interval is no whole number of microseconds."""

bursts = st.integers(1, 50)
gaps = st.lists(st.integers(0, 3 * SECOND), max_size=60)


@given(rates, bursts, gaps)
def test_no_window_passes_more_than_the_burst_and_the_rate(rate: int, burst: int, gaps: list[int]) -> None:
    arrival, now = 0, NOW
    passed: list[int] = []
    for gap in gaps:
        now += gap
        bucket = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=1)
        arrival = bucket.arrival
        if bucket.allowed:
            passed.append(now)

    for first in range(len(passed)):
        for last in range(first, len(passed)):
            elapsed = (passed[last] - passed[first]) / SECOND
            assert last - first + 1 <= burst + rate * elapsed


@given(rates, bursts, gaps)
def test_as_many_pass_at_once_as_were_said_to_remain(rate: int, burst: int, gaps: list[int]) -> None:
    arrival, now = 0, NOW
    for gap in gaps:
        now += gap
        bucket = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=1)
        arrival = bucket.arrival
        assert 0 <= bucket.remaining < burst

    left = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=0).remaining
    responses = []
    for _ in range(left + 1):
        bucket = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=1)
        arrival = bucket.arrival
        responses.append(bucket.allowed)
    assert responses == [True] * left + [False]


@given(rates, bursts, gaps)
def test_a_refused_request_passes_after_the_time_it_was_told_and_not_much_before(
    rate: int, burst: int, gaps: list[int]
) -> None:
    arrival, now = 0, NOW
    for gap in [*gaps, *([0] * (burst + 1))]:
        now += gap
        bucket = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=1)
        arrival = bucket.arrival
    assert not bucket.allowed
    assert 0 < bucket.retry <= SECOND / rate + 1

    assert token_bucket.take(arrival, now + bucket.retry, rate=rate, burst=burst, cost=1).allowed
    assert not token_bucket.take(arrival, now + bucket.retry - 1, rate=rate, burst=burst, cost=1).allowed


@given(rates, bursts, gaps)
def test_the_bucket_is_full_again_after_the_time_it_was_told(rate: int, burst: int, gaps: list[int]) -> None:
    arrival, now = 0, NOW
    for gap in gaps:
        now += gap
        arrival = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=1).arrival
    told = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=0).reset

    assert token_bucket.take(arrival, now + told, rate=rate, burst=burst, cost=0).remaining == burst


@given(rates, bursts, st.integers(0, 60))
def test_a_refusal_and_a_look_take_nothing(rate: int, burst: int, looks: int) -> None:
    arrival = 0
    for _ in range(burst):
        arrival = token_bucket.take(arrival, NOW, rate=rate, burst=burst, cost=1).arrival
    before = arrival
    for _ in range(looks):
        refused = token_bucket.take(arrival, NOW, rate=rate, burst=burst, cost=1)
        assert not refused.allowed
        arrival = token_bucket.take(refused.arrival, NOW, rate=rate, burst=burst, cost=0).arrival

    assert arrival == before


@given(rates, bursts)
def test_a_full_bucket_passes_exactly_its_burst_at_any_rate(rate: int, burst: int) -> None:
    arrival, passed = 0, 0
    for _ in range(burst + 1):
        bucket = token_bucket.take(arrival, NOW, rate=rate, burst=burst, cost=1)
        arrival = bucket.arrival
        passed += bucket.allowed

    assert passed == burst


def test_a_full_bucket_counts_down_to_nothing() -> None:
    arrival, passed, left = 0, 0, []
    for _ in range(25):
        bucket = token_bucket.take(arrival, NOW, rate=10, burst=20, cost=1)
        arrival = bucket.arrival
        passed += bucket.allowed
        left.append(bucket.remaining)

    assert passed == 20
    assert left == [*range(19, -1, -1), 0, 0, 0, 0, 0]


def test_a_dear_request_takes_all_it_costs_or_nothing() -> None:
    three = token_bucket.take(0, NOW, rate=10, burst=5, cost=3)
    again = token_bucket.take(three.arrival, NOW, rate=10, burst=5, cost=3)
    small = token_bucket.take(again.arrival, NOW, rate=10, burst=5, cost=2)

    assert (three.allowed, three.remaining) == (True, 2)
    assert (again.allowed, again.remaining) == (False, 2)
    assert again.retry == 100_000
    assert (small.allowed, small.remaining) == (True, 0)


@given(rates, bursts, st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 200)), max_size=40))
def test_what_costs_more_than_the_burst_passes_from_a_full_bucket_and_is_paid_off(
    rate: int, burst: int, request: list[tuple[int, int]]
) -> None:
    arrival, now, passed = 0, NOW, 0
    for gap, cost in request:
        now += gap
        full = arrival <= now
        bucket = token_bucket.take(arrival, now, rate=rate, burst=burst, cost=cost)
        if cost > burst:
            assert bucket.allowed is full
        if bucket.allowed:
            # All that passed before is paid off but for one burst, and what passes now comes on top of it.
            assert passed <= burst + rate * (now - NOW) / SECOND
            passed += cost
        else:
            assert token_bucket.take(arrival, now + bucket.retry, rate=rate, burst=burst, cost=cost).allowed
        assert bucket.remaining >= 0
        arrival = bucket.arrival
