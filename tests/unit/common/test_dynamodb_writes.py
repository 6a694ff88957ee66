"""kv_common.dynamodb.writes, on tables in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kv_common.dynamodb import ConditionFailed, delete_all, delete_partition, ping_table, put_all, transact
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from kv_common.dynamodb.items import Item
    from tests.support.mock_aws import MockAws


class BusyTable:
    """A client whose table processes only the first `capacity` requests of each batch."""

    def __init__(self, aws: MockAws, capacity: int) -> None:
        self._client = aws.dynamodb
        self._capacity = capacity
        self.batches: list[int] = []

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - as in boto3
        [(table, requests)] = RequestItems.items()
        self.batches.append(len(requests))
        if self._capacity:
            self._client.batch_write_item(RequestItems={table: requests[: self._capacity]})
        rest = requests[self._capacity :]
        return {"UnprocessedItems": {table: rest} if rest else {}}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replaces time.sleep and collects its arguments."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.fixture
def table(aws: MockAws) -> str:
    return aws.create_table("usage")


def item(number: int, partition: str = "p") -> Item:
    return {"PK": {"S": partition}, "SK": {"S": f"{number:03}"}}


def test_batches_of_25_are_written_and_deleted(aws: MockAws, table: str) -> None:
    put_all(aws.dynamodb, table, [item(number) for number in range(60)])
    assert len(aws.items(table)) == 60

    delete_all(aws.dynamodb, table, [item(number) for number in range(1, 60)])
    assert aws.items(table) == [item(0)]


def test_unprocessed_items_are_written_after_a_pause(aws: MockAws, table: str, pauses: list[float]) -> None:
    busy: Any = BusyTable(aws, capacity=10)

    put_all(busy, table, [item(number) for number in range(60)])
    assert len(aws.items(table)) == 60
    assert busy.batches == [25, 15, 5, 25, 15, 5, 10]
    assert len(pauses) == 4

    delete_all(busy, table, [item(number) for number in range(60)])
    assert aws.items(table) == []


def test_table_that_stays_busy_is_unavailable(aws: MockAws, table: str, pauses: list[float]) -> None:
    busy: Any = BusyTable(aws, capacity=0)

    with pytest.raises(Unavailable):
        put_all(busy, table, [item(0)])

    assert len(busy.batches) == 8
    assert len(pauses) == 7


def test_empty_batch_sends_no_request(aws: MockAws, table: str) -> None:
    busy: Any = BusyTable(aws, capacity=25)

    put_all(busy, table, [])
    delete_all(busy, table, [])

    assert busy.batches == []


def test_partition_is_deleted_and_others_are_kept(aws: MockAws, table: str) -> None:
    put_all(aws.dynamodb, table, [item(number) for number in range(30)] + [item(0, "other")])

    assert delete_partition(aws.dynamodb, table, "p", before="010") == 10
    assert delete_partition(aws.dynamodb, table, "p") == 20
    assert aws.items(table) == [item(0, "other")]


def test_transaction_with_a_failed_condition_writes_nothing(aws: MockAws, table: str) -> None:
    put_all(aws.dynamodb, table, [item(1)])
    absent = {"TableName": table, "ConditionExpression": "attribute_not_exists(PK)"}

    with pytest.raises(ConditionFailed) as raised:
        transact(aws.dynamodb, [{"Put": {**absent, "Item": item(number)}} for number in (0, 1)])  # type: ignore[typeddict-item]

    assert raised.value.actions == {1}
    assert aws.items(table) == [item(1)]


def test_ping_requires_the_table_but_no_item(aws: MockAws, table: str) -> None:
    ping_table(aws.dynamodb, table)

    with pytest.raises(aws.dynamodb.exceptions.ResourceNotFoundException):
        ping_table(aws.dynamodb, "missing")
