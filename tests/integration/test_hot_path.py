"""The hot path benchmark, on the packaged handler."""

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
    return measure(quick=True, effort=Effort(rounds=1, requests=20, delayed=5, bare=5))


@pytest.mark.parametrize("operation", ["get", "put", "list", "delete", "not_modified"])
def test_packaged_handler_makes_one_round_trip_to_redis_and_one_to_dynamodb(measured: HotPath, operation: str) -> None:
    round_trips = getattr(measured, operation).round_trips

    assert (round_trips.redis, round_trips.dynamodb) == (1, 1)


VALUE = value_item(Account(), "user:00000042", json_value(VALUE_BYTES))
TEXT = len(as_json(VALUE)["v"]["B"])  # compressed; the size depends on the library
#: To Redis; to and from DynamoDB. Responses vary by some bytes with the numbers in them: counts, a checksum.
BYTES = {
    "get": (574, 557, 428 + TEXT),
    "put": (578, 970 + TEXT, 379 + TEXT),
    "list": (575, 776, 12_676),
    "delete": (579, 537, 256),
    "not_modified": (574, 557, 428 + TEXT),
}


@pytest.mark.parametrize("operation", BYTES)
def test_operation_sends_and_receives_the_known_number_of_bytes(measured: HotPath, operation: str) -> None:
    sent = getattr(measured, operation).bytes

    to_redis, to_dynamodb, from_dynamodb = BYTES[operation]
    assert (sent.redis_in, sent.dynamodb_in) == (to_redis, to_dynamodb)
    assert sent.redis_out == pytest.approx(137, abs=3)
    assert sent.dynamodb_out == pytest.approx(from_dynamodb, abs=3)


def test_repeated_denials_rarely_reach_redis_and_never_dynamodb(measured: HotPath) -> None:
    assert measured.denied.round_trips.redis <= 0.5
    assert measured.denied.round_trips.dynamodb == 0


def test_log_line_of_a_get_stays_within_its_cost_budget(measured: HotPath) -> None:
    # $0.132 a million, with the 26 bytes that CloudWatch adds: docs/adr/0031-one-short-log-line-per-request.md.
    assert 100 < measured.get.log_bytes <= 238


def test_stub_delays_its_responses(measured: HotPath) -> None:
    assert measured.get.wall_ms_at_5ms > 5
    assert measured.denied.wall_ms_at_5ms < measured.get.wall_ms_at_5ms
