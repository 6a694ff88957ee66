"""What Redis refused a moment ago is refused without asking it, and exactly as long as it would be."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kv_common.admission import Admission, AdmissionData, AdmissionRequest, Decision, Source, Verdict, token_bucket
from kv_common.api_keys import Scope
from tests.unit.common.admission_fakes import FREE, TICKET, FakeRedis, Tables
from tests.unit.common.clocks import Clock


class Bucket(FakeRedis):
    """A Redis with one bucket, by the same clock as the test's."""

    def __init__(self, clock: Clock, rate: int, burst: int) -> None:
        super().__init__()
        self._clock = clock
        self._plan = replace(FREE, rate=rate, burst=burst)
        self.arrival = 0

    def look(self, cost: int) -> token_bucket.Bucket:
        """Return what the bucket says now, and take nothing."""
        now = round(self._clock.time * 1_000_000)
        return token_bucket.take(self.arrival, now, rate=self._plan.rate, burst=self._plan.burst, cost=cost)

    def decide(self, ticket: AdmissionRequest, facts: AdmissionData | None = None) -> Decision:  # noqa: ARG002
        self._answer()
        bucket = self.look(ticket.cost)
        self.arrival = bucket.arrival if bucket.allowed else self.arrival
        return Decision(
            Verdict.ADMITTED if bucket.allowed else Verdict.RATE_LIMITED,
            Source.REDIS,
            round(self._clock.time * 1000),
            self._plan,
            remaining=bucket.remaining,
            reset_ms=math.ceil(bucket.reset / 1000),
            retry_ms=math.ceil(bucket.retry / 1000),
        )


class Harness:
    """Admission over one bucket."""

    def __init__(self, *, rate: int = 2, burst: int = 1) -> None:
        self.clock = Clock()
        self.redis = Bucket(self.clock, rate, burst)
        self.admission = Admission(self.redis, Tables(), monotonic=self.clock, wall=self.clock)

    def decide(self, **ticket: Any) -> Decision:
        return self.admission.decide(replace(TICKET, **ticket))


def test_a_flood_asks_redis_once_per_token() -> None:
    harness = Harness(rate=2, burst=1)
    verdicts = []
    for _ in range(1_000):
        verdicts.append(harness.decide().verdict)
        harness.clock.pass_by(0.001)

    assert verdicts.count(Verdict.ADMITTED) == 2
    assert harness.redis.request <= 8


def test_the_wait_that_is_told_gets_shorter() -> None:
    harness = Harness(rate=2, burst=1)
    harness.decide()
    first = harness.decide()
    harness.clock.pass_by(0.2)
    later = harness.decide()

    assert (first.retry_ms, later.retry_ms) == (500, 300)
    assert (later.now_ms - first.now_ms, first.reset_ms - later.reset_ms) == (200, 200)
    assert harness.redis.request == 2


def test_redis_is_asked_again_after_a_second_however_long_it_said() -> None:
    harness = Harness(rate=1, burst=5)
    for _ in range(2):
        harness.decide(cost=5)
    harness.clock.pass_by(0.999)
    harness.decide(cost=5)
    assert harness.redis.request == 2

    harness.clock.pass_by(0.001)
    harness.decide(cost=5)
    assert harness.redis.request == 3


def test_another_key_scope_namespace_or_cost_is_asked_for() -> None:
    harness = Harness()
    for _ in range(2):
        harness.decide()
    others: list[dict[str, Any]] = [
        {"digest": "e" * 64},
        {"digest": None},
        {"scopes": frozenset({Scope.WRITE})},
        {"namespace": "other"},
        {"cost": 0},
        {"account_id": "another"},
    ]
    for other in others:
        harness.decide(**other)

    assert harness.redis.request == 2 + len(others)


@given(
    rate=st.integers(1, 2_000),
    burst=st.integers(1, 20),
    steps=st.lists(st.tuples(st.integers(0, 700_000), st.integers(1, 8), st.booleans()), max_size=60),
)
def test_every_verdict_is_the_one_that_redis_would_give(
    rate: int, burst: int, steps: list[tuple[int, int, bool]]
) -> None:
    harness = Harness(rate=rate, burst=burst)
    for microseconds, cost, elsewhere in steps:
        harness.clock.pass_by(microseconds / 1_000_000)
        if elsewhere:
            # Another process takes from the same bucket.
            harness.redis.decide(replace(TICKET, cost=cost))
            continue
        allowed = harness.redis.look(cost).allowed
        assert (harness.decide(cost=cost).verdict is Verdict.ADMITTED) == allowed
