"""Times as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.times import timestamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_10000_MS = 253_402_300_800_000


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
        (YEAR_10000_MS - 1, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_shown_in_utc_to_the_millisecond(milliseconds: int, shown: str) -> None:
    assert timestamp(milliseconds) == shown


@given(st.integers(0, YEAR_10000_MS - 1))
def test_a_time_shown_reads_back_as_the_same_millisecond(milliseconds: int) -> None:
    assert datetime.fromisoformat(timestamp(milliseconds)) == EPOCH + timedelta(milliseconds=milliseconds)


@given(st.integers(0, YEAR_10000_MS - 1), st.integers(0, YEAR_10000_MS - 1))
def test_times_sort_as_their_texts_do(one: int, other: int) -> None:
    assert (timestamp(one) < timestamp(other)) == (one < other)
