"""Admission: Redis while it answers, the process alone while it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from kv_common.admission import Admission, Decision, KeyRecord, Limits, Source, Verdict, require_admitted
from kv_common.api_keys import KeyStatus
from kv_common.errors import AppError, Forbidden, QuotaExceeded, RateLimited, Unauthorized, Unavailable
from kv_common.plans import CATALOG
from tests.unit.common.admission_fakes import ACCOUNT, FREE, KEY, TICKET, FakeRedis, Tables
from tests.unit.common.clocks import Clock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Harness:
    """Admission between a Redis and tables that can both go away."""

    def __init__(self) -> None:
        self.redis = FakeRedis()
        self.tables = Tables()
        self.clock = Clock()
        self.admission = Admission(
            self.redis, self.tables, monotonic=self.clock, wall=lambda: NOW.timestamp() + self.clock.time
        )

    def decide(self, **request: Any) -> Decision:
        return self.admission.decide(replace(TICKET, **request))


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_redis_decides_while_it_answers(harness: Harness) -> None:
    harness.decide()
    request = len(harness.tables.request)

    decision = harness.decide()

    assert (decision.verdict, decision.source) == (Verdict.ADMITTED, Source.REDIS)
    assert len(harness.tables.request) == request


def test_what_redis_lacks_is_loaded_once_from_the_tables(harness: Harness) -> None:
    assert harness.decide().verdict is Verdict.ADMITTED

    assert harness.tables.request == [(ACCOUNT, TICKET.digest, "settings")]
    assert harness.redis.request == 2


def test_a_redis_that_forgets_what_it_was_just_told_is_unavailable(harness: Harness) -> None:
    harness.redis.forgetful = True

    decision = harness.decide()

    with pytest.raises(Unavailable):
        require_admitted(TICKET, decision)
    assert harness.redis.request == 2


def test_without_redis_the_process_decides_alone(harness: Harness) -> None:
    harness.redis.down = True

    decision = harness.decide()

    assert (decision.verdict, decision.source) == (Verdict.ADMITTED, Source.LOCAL)
    assert decision.charge is None


def test_after_three_failures_redis_is_asked_once_a_second(harness: Harness) -> None:
    harness.redis.down = True
    for _ in range(3):
        harness.decide()
    assert harness.redis.request == 3

    for _ in range(100):
        assert harness.decide(cost=0).source is Source.LOCAL
    assert harness.redis.request == 3

    harness.clock.pass_by(1)
    for _ in range(100):
        harness.decide(cost=0)
    assert harness.redis.request == 4


def test_when_redis_is_back_it_decides_again_within_a_second(harness: Harness) -> None:
    harness.redis.down = True
    for _ in range(3):
        harness.decide()
    harness.redis.down = False
    assert harness.decide().source is Source.LOCAL

    harness.clock.pass_by(1)

    assert all(harness.decide().source is Source.REDIS for _ in range(5))


def test_without_redis_and_tables_there_is_no_admission(harness: Harness) -> None:
    harness.redis.down = True
    harness.tables.facts = None

    with pytest.raises(Unavailable):
        harness.decide()


def test_tables_that_do_not_answer_are_no_reason_to_stop_asking_redis(harness: Harness) -> None:
    harness.tables.facts = None
    for _ in range(5):
        with pytest.raises(Unavailable):
            harness.decide()

    assert harness.redis.request == 5


def test_limits_without_redis_show_the_use_that_redis_told_last() -> None:
    noted = Harness()
    noted.admission = Admission(noted.redis, noted.tables, monotonic=noted.clock, wall=NOW.timestamp)
    noted.redis.used = 41
    noted.decide()
    noted.redis.down = True

    assert noted.decide().used == 42


def test_a_refund_takes_back_the_charge(harness: Harness) -> None:
    decision = harness.decide()
    assert decision.charge is not None

    assert harness.admission.refund(ACCOUNT, decision) is True
    assert harness.redis.refunded == [(ACCOUNT, decision.charge)]


def test_what_was_not_charged_needs_no_refund(harness: Harness) -> None:
    request = harness.redis.request

    assert harness.admission.refund(ACCOUNT, Decision(Verdict.ADMITTED, Source.LOCAL, 0, FREE)) is True
    assert harness.redis.request == request


def test_a_refund_that_redis_does_not_answer_fails_quietly(harness: Harness) -> None:
    decision = harness.decide()
    harness.redis.down = True

    assert harness.admission.refund(ACCOUNT, decision) is False


def refusal(verdict: Verdict, limits: Limits | None = FREE, **state: Any) -> AppError:
    now_ms = int(NOW.timestamp()) * 1000
    with pytest.raises(AppError) as refused:
        require_admitted(TICKET, Decision(verdict, Source.REDIS, now_ms, limits, **state))
    return refused.value


def test_an_admitted_ticket_raises_nothing() -> None:
    require_admitted(TICKET, Decision(Verdict.ADMITTED, Source.REDIS, 0, FREE))


def test_a_key_that_opens_nothing_is_unauthorized_without_a_reason() -> None:
    error = refusal(Verdict.UNAUTHORIZED, None)

    assert isinstance(error, Unauthorized)
    assert error.message == "The API key is not valid."
    assert error.details == {}


def test_a_missing_scope_is_named() -> None:
    error = refusal(Verdict.WRONG_SCOPE)

    assert isinstance(error, Forbidden)
    assert error.details == {"required_scope": "read"}


def test_a_key_for_other_namespaces_is_forbidden_without_naming_them() -> None:
    error = refusal(Verdict.WRONG_NAMESPACE)

    assert isinstance(error, Forbidden)
    assert error.details == {}


def test_a_rate_limited_caller_is_told_how_long_to_wait() -> None:
    error = refusal(Verdict.RATE_LIMITED, retry_ms=1_200)

    assert isinstance(error, RateLimited)
    assert error.headers == {"Retry-After": "2"}
    assert error.details == {"retry_after": 2}


def test_a_caller_over_quota_is_told_when_the_month_turns() -> None:
    error = refusal(Verdict.QUOTA_EXCEEDED)

    assert isinstance(error, QuotaExceeded)
    assert error.headers == {"Retry-After": str(10 * 86_400 + 43_200)}
    assert error.details == {"plan": "free", "quota": 10_000}


def test_missing_twice_is_unavailable() -> None:
    assert isinstance(refusal(Verdict.MISSING, None), Unavailable)


@pytest.mark.parametrize(
    ("key", "now_ms", "valid"),
    [
        (KEY, 1, True),
        (replace(KEY, expires_at_ms=1_000), 999, True),
        (replace(KEY, expires_at_ms=1_000), 1_000, False),
        (replace(KEY, expires_at_ms=1_000), 1_001, False),
        (replace(KEY, status=KeyStatus.REVOKED), 1, False),
        (replace(KEY, status=KeyStatus.UNKNOWN), 1, False),
    ],
)
def test_a_key_is_valid_while_active_and_until_its_expiry(key: KeyRecord, now_ms: int, valid: bool) -> None:  # noqa: FBT001
    assert key.is_valid(now_ms) is valid


@pytest.mark.parametrize(
    ("namespaces", "namespace", "covered"),
    [
        (("*",), "settings", True),
        (("*",), "", True),
        (("settings",), "settings", True),
        (("settings", "cache"), "cache", True),
        (("settings",), "setting", False),
        (("settings",), "settings-2", False),
        (("settings",), "", True),
        ((), "settings", False),
    ],
)
def test_a_key_covers_its_own_namespaces(namespaces: tuple[str, ...], namespace: str, covered: bool) -> None:  # noqa: FBT001
    assert replace(KEY, namespaces=namespaces).covers(namespace) is covered


def test_limits_are_the_plans() -> None:
    assert Limits.of(CATALOG["scale"]) == Limits("scale", 500, 1_000, 10_000_000, 100_000_000_000)
