"""The benchmark of the hot path measures what it says, on the packaged handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.account import Account
from bench.dynamodb import as_json, value_item
from bench.hot_path import VALUE_BYTES, Effort, measure
from bench.values import json_value

if TYPE_CHECKING:
    from bench.results import HotPath


@pytest.fixture(scope="module")
def measured() -> HotPath:
    return measure(quick=True, effort=Effort(turns=1, requests=20, delayed=5, bare=5))


@pytest.mark.parametrize("operation", ["get", "put", "list", "delete", "not_modified"])
def test_the_packaged_handler_makes_one_trip_to_redis_and_one_to_dynamodb(measured: HotPath, operation: str) -> None:
    trips = getattr(measured, operation).trips

    assert (trips.redis, trips.dynamodb) == (1, 1)


VALUE = value_item(Account(), "user:00000042", json_value(VALUE_BYTES))
TEXT = len(as_json(VALUE)["v"]["B"])  # deflated, which libraries do more or less well
#: To Redis; to and from DynamoDB. Answers have some bytes more or less, with the numbers in them: counts, a checksum.
BYTES = {
    "get": (574, 557, 428 + TEXT),
    "put": (578, 970 + TEXT, 379 + TEXT),
    "list": (575, 776, 12_676),
    "delete": (579, 537, 256),
    "not_modified": (574, 557, 428 + TEXT),
}


@pytest.mark.parametrize("operation", BYTES)
def test_an_operation_sends_and_gets_so_many_bytes(measured: HotPath, operation: str) -> None:
    sent = getattr(measured, operation).bytes

    to_redis, to_dynamodb, from_dynamodb = BYTES[operation]
    assert (sent.redis_in, sent.dynamodb_in) == (to_redis, to_dynamodb)
    assert sent.redis_out == pytest.approx(137, abs=3)
    assert sent.dynamodb_out == pytest.approx(from_dynamodb, abs=3)


def test_a_flood_of_denied_requests_makes_hardly_a_trip(measured: HotPath) -> None:
    assert measured.denied.trips.redis <= 0.5
    assert measured.denied.trips.dynamodb == 0


def test_what_an_ordinary_get_logs_fits_into_what_it_may_cost(measured: HotPath) -> None:
    # $0.132 a million, with the 26 bytes that CloudWatch adds: docs/adr/0031-one-short-log-line-per-request.md.
    assert 100 < measured.get.log_bytes <= 238


def test_the_stub_takes_the_time_it_is_given(measured: HotPath) -> None:
    assert measured.get.wall_ms_at_5ms > 5
    assert measured.denied.wall_ms_at_5ms < measured.get.wall_ms_at_5ms
