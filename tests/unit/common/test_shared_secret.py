"""kv_common.shared_secret, on a table in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kv_common.shared_secret import SharedSecret

if TYPE_CHECKING:
    from tests.support.mock_aws import MockAws


@pytest.fixture
def table(aws: MockAws) -> str:
    return aws.create_table("alerts")


def secret(aws: MockAws, fill: bytes = b"a", name: str = "SIGNING") -> SharedSecret:
    return SharedSecret(aws.dynamodb, "alerts", name, random_bytes=lambda width: fill * width)


@pytest.mark.usefixtures("table")
def test_first_process_creates_the_secret_and_others_read_it(aws: MockAws) -> None:
    assert secret(aws, b"a").get() == b"a" * 32
    assert secret(aws, b"b").get() == b"a" * 32
    assert secret(aws, b"c", name="OTHER").get() == b"c" * 32


def test_secret_is_read_once_per_process(aws: MockAws, table: str) -> None:
    shared = secret(aws)
    shared.get()
    aws.dynamodb.delete_table(TableName=table)

    assert shared.get() == b"a" * 32


@pytest.mark.usefixtures("table")
def test_concurrent_creation_yields_one_secret(aws: MockAws) -> None:
    def create_first(**_: Any) -> None:
        events.unregister("before-call.dynamodb.PutItem", create_first)
        secret(aws, b"o").get()

    events = aws.dynamodb.meta.events
    events.register("before-call.dynamodb.PutItem", create_first)

    assert secret(aws).get() == b"o" * 32
    assert [item["secret"] for item in aws.items("alerts")] == [{"B": b"o" * 32}]
