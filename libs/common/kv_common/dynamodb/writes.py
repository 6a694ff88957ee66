"""Transactions, batches and deletion of partitions, with retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common import retry
from kv_common.dynamodb.errors import TransactionConflict, translate_errors
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputTypeDef,
        TransactWriteItemTypeDef,
        WriteRequestUnionTypeDef,
    )

MAX_TRANSACTION = 100
_BATCH = 25  # limit of BatchWriteItem
_BATCH_ATTEMPTS = 8
_TRANSACTION_ATTEMPTS = 12


class _Unprocessed(Unavailable):
    """The table was too busy to process the whole batch."""


def ping_table(client: DynamoDBClient, table: str) -> None:
    """Return if the table responds; Unavailable otherwise."""
    with translate_errors():
        client.get_item(TableName=table, Key={"PK": {"S": "SERVICE"}, "SK": {"S": "HEALTH"}})


def transact(client: DynamoDBClient, items: Sequence[TransactWriteItemTypeDef]) -> None:
    """Write all of `items` or none, with retries after a conflict; ConditionFailed has the indexes that failed.

    For background work only: the pauses may add up to two seconds.
    """

    def attempt() -> None:
        with translate_errors():
            client.transact_write_items(TransactItems=items)

    _retried(attempt, TransactionConflict, _TRANSACTION_ATTEMPTS)


def put_all(client: DynamoDBClient, table: str, items: Sequence[Mapping[str, AttributeValueTypeDef]]) -> None:
    """Write items without conditions, one round trip per 25."""
    _write_all(client, table, [{"PutRequest": {"Item": item}} for item in items])


def delete_all(client: DynamoDBClient, table: str, keys: Sequence[Mapping[str, AttributeValueTypeDef]]) -> None:
    """Delete items, one round trip per 25; missing items are ignored."""
    _write_all(client, table, [{"DeleteRequest": {"Key": key}} for key in keys])


def delete_partition(client: DynamoDBClient, table: str, partition: str, *, before: str | None = None) -> int:
    """Delete the items of a partition and return their number; one round trip per page and one per 25 items.

    With `before`, only items with a smaller sort key.
    """
    query: QueryInputTypeDef = {
        "TableName": table,
        "KeyConditionExpression": "PK = :p",
        "ExpressionAttributeValues": {":p": {"S": partition}},
        "ProjectionExpression": "PK, SK",
        "ConsistentRead": True,
    }
    if before is not None:
        query["KeyConditionExpression"] = "PK = :p AND SK < :b"
        query["ExpressionAttributeValues"] = {":p": {"S": partition}, ":b": {"S": before}}
    deleted = 0
    while True:
        with translate_errors():
            response = client.query(**query)
        delete_all(client, table, response["Items"])
        deleted += len(response["Items"])
        if "LastEvaluatedKey" not in response:
            return deleted
        query["ExclusiveStartKey"] = response["LastEvaluatedKey"]


def _write_all(client: DynamoDBClient, table: str, requests: Sequence[WriteRequestUnionTypeDef]) -> None:
    for start in range(0, len(requests), _BATCH):
        _write_batch(client, table, list(requests[start : start + _BATCH]))


def _write_batch(client: DynamoDBClient, table: str, unprocessed: list[WriteRequestUnionTypeDef]) -> None:
    def attempt() -> None:
        with translate_errors():
            response = client.batch_write_item(RequestItems={table: unprocessed})
        unprocessed[:] = response["UnprocessedItems"].get(table, [])
        if unprocessed:
            raise _Unprocessed

    _retried(attempt, _Unprocessed, _BATCH_ATTEMPTS)


def _retried(attempt: Callable[[], None], on: type[Exception], attempts: int) -> None:
    retry.call(attempt, on=on, attempts=attempts, first_pause_s=0.02, max_pause_s=0.5)
