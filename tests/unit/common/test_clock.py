"""kv_common.clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.clock import http_date, milliseconds, month_span, timestamp

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
def test_time_is_formatted_in_utc_to_the_millisecond(milliseconds: int, shown: str) -> None:
    assert timestamp(milliseconds) == shown


@given(st.integers(0, YEAR_10000_MS - 1))
def test_formatted_time_is_parsed_to_the_same_millisecond(milliseconds: int) -> None:
    assert datetime.fromisoformat(timestamp(milliseconds)) == EPOCH + timedelta(milliseconds=milliseconds)


@given(st.integers(0, YEAR_10000_MS // 1000 - 1))
def test_http_date_equals_the_standard_librarys(seconds: int) -> None:
    assert http_date(seconds) == formatdate(seconds, usegmt=True)


@given(st.integers(0, YEAR_10000_MS - 1))
def test_month_contains_its_times_and_starts_at_the_end_of_the_previous_one(milliseconds: int) -> None:
    start, end = month_span(milliseconds)
    assert start <= milliseconds < end
    assert timestamp(start).endswith("-01T00:00:00.000Z")
    assert timestamp(start)[:7] == timestamp(end - 1)[:7]


@given(st.integers(0, YEAR_10000_MS - 1), st.integers(0, YEAR_10000_MS - 1))
def test_times_sort_like_their_texts(one: int, other: int) -> None:
    assert (timestamp(one) < timestamp(other)) == (one < other)


@given(st.integers(-62_135_596_800_000, YEAR_10000_MS - 1))
def test_timestamp_is_parsed_to_the_millisecond(moment: int) -> None:
    assert milliseconds((EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds")) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("9999-12-31T23:59:59.999-12:00", YEAR_10000_MS - 1 + 12 * 3_600_000),
    ],
)
def test_timestamp_with_an_offset_is_parsed_and_rounded_up(text: str, moment: int) -> None:
    assert milliseconds(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00Z",
        "1970-02-30T00:00:00Z",
        "1970-01-01T24:00:01Z",
        "1970-01-01T00:00:00+99:00",
        "19700101T000000Z",
        "1970-W01-4T00:00:00Z",
        "١٩٧٠-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z\n",
    ],
)
def test_malformed_timestamp_is_rejected(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is not shown
        milliseconds(text)
