"""The rate-limit headers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.admission import Decision, Limits, Source, Verdict, rate_limit_headers
from kv_common.admission.headers import quota_retry_after, retry_after
from kv_common.plans import CATALOG

PRO = Limits.of(CATALOG["pro"])


def milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def decision(
    now_ms: int = milliseconds(datetime(2026, 11, 20, 12, tzinfo=UTC)), limits: Limits | None = PRO, **state: int
) -> Decision:
    return Decision(Verdict.ADMITTED, Source.REDIS, now_ms, limits, **state)  # type: ignore[arg-type]


def test_both_forms_tell_the_same() -> None:
    headers = rate_limit_headers(decision(remaining=57, reset_ms=1_430, used=187_655))
    month_end = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    now = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())

    assert headers == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "57",
        "X-RateLimit-Reset": str(now + 2),
        "X-Quota-Limit": "1000000",
        "X-Quota-Remaining": "812345",
        "X-Quota-Reset": str(month_end),
        "RateLimit-Policy": f'"rps";q=100;w=1, "month";q=1000000;w={30 * 86_400}',
        "RateLimit": f'"rps";r=57;t=2, "month";r=812345;t={month_end - now}',
    }


def test_where_no_account_was_proved_there_is_nothing_to_tell() -> None:
    assert rate_limit_headers(decision(limits=None)) == {}


@pytest.mark.parametrize(
    ("moment", "days", "end"),
    [
        (datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), 31, datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2026, 2, 1, tzinfo=UTC), 28, datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), 29, datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2100, 2, 28, 12, tzinfo=UTC), 28, datetime(2100, 3, 1, tzinfo=UTC)),
        (datetime(2026, 4, 30, 23, 59, 59, 999_000, tzinfo=UTC), 30, datetime(2026, 5, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 31, datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), 31, datetime(2027, 2, 1, tzinfo=UTC)),
    ],
)
def test_the_quota_turns_with_the_calendar_month_in_utc(moment: datetime, days: int, end: datetime) -> None:
    headers = rate_limit_headers(decision(milliseconds(moment)))

    assert headers["X-Quota-Reset"] == str(int(end.timestamp()))
    assert headers["RateLimit-Policy"].endswith(f"w={days * 86_400}")


@given(
    st.integers(0, 4_102_444_800_000),
    st.sampled_from([Limits.of(plan) for plan in CATALOG.values()]),
    st.integers(-10, 5_000),
    st.integers(0, 10_000),
    st.integers(0, 30_000_000),
)
def test_what_is_left_is_never_more_than_the_limit_nor_less_than_nothing(
    now_ms: int, limits: Limits, remaining: int, reset_ms: int, used: int
) -> None:
    headers = rate_limit_headers(decision(now_ms, limits, remaining=remaining, reset_ms=reset_ms, used=used))

    assert 0 <= int(headers["X-RateLimit-Remaining"]) <= limits.rate
    assert 0 <= int(headers["X-Quota-Remaining"]) <= limits.quota
    left = re.fullmatch(r'"rps";r=(\d+);t=(\d+), "month";r=(\d+);t=(\d+)', headers["RateLimit"])
    assert left is not None
    assert left[1] == headers["X-RateLimit-Remaining"]
    assert left[3] == headers["X-Quota-Remaining"]
    assert 0 <= int(left[2]) * 1_000 - reset_ms < 1_000
    assert 0 < int(left[4]) <= 31 * 86_400
    assert int(headers["X-Quota-Reset"]) * 1_000 > now_ms
    assert int(headers["X-RateLimit-Reset"]) * 1_000 >= now_ms + reset_ms - 1


@pytest.mark.parametrize(("retry_ms", "seconds"), [(0, 1), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (59_999, 60)])
def test_retry_after_is_whole_seconds_and_never_too_few(retry_ms: int, seconds: int) -> None:
    assert retry_after(decision(retry_ms=retry_ms)) == seconds


def test_a_used_up_quota_comes_back_when_the_month_turns() -> None:
    assert quota_retry_after(decision(milliseconds(datetime(2026, 11, 30, 23, 59, 0, tzinfo=UTC)))) == 60
    assert quota_retry_after(decision(milliseconds(datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC)))) == 1
    assert quota_retry_after(decision(milliseconds(datetime(2026, 2, 1, tzinfo=UTC)))) == 28 * 86_400
