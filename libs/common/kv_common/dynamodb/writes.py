"""Transactions, batches and whole partitions, repeated where DynamoDB asks for it."""

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
_BATCH = 25  # what one BatchWriteItem takes
_BATCH_ATTEMPTS = 8
_TRANSACTION_ATTEMPTS = 12


class _Unprocessed(Unavailable):
    """The table could not take all of a batch: it is busy."""


def ping_table(client: DynamoDBClient, table: str) -> None:
    """Return if the table answers, whether or not it holds anything; Unavailable otherwise."""
    with translate_errors():
        client.get_item(TableName=table, Key={"PK": {"S": "SERVICE"}, "SK": {"S": "HEALTH"}})


def transact(client: DynamoDBClient, items: Sequence[TransactWriteItemTypeDef]) -> None:
    """Write all of `items` or none; others who write the same items at the same time are waited for.

    ConditionFailed counts the items whose condition did not hold. For work in the background: it may wait a second or
    two in all, where a request would rather be refused.
    """

    def attempt() -> None:
        with translate_errors():
            client.transact_write_items(TransactItems=items)

    _retried(attempt, TransactionConflict, _TRANSACTION_ATTEMPTS)


def put_all(client: DynamoDBClient, table: str, items: Sequence[Mapping[str, AttributeValueTypeDef]]) -> None:
    """Write items that depend on nothing, in a trip per 25."""
    _write_all(client, table, [{"PutRequest": {"Item": item}} for item in items])


def delete_all(client: DynamoDBClient, table: str, keys: Sequence[Mapping[str, AttributeValueTypeDef]]) -> None:
    """Remove items, if they are there, in a trip per 25."""
    _write_all(client, table, [{"DeleteRequest": {"Key": key}} for key in keys])


def delete_partition(client: DynamoDBClient, table: str, partition: str, *, before: str | None = None) -> int:
    """Remove every item of a partition and return how many there were, in a trip per page and per 25 items.

    With `before`, only those whose sort key comes before it.
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
            answer = client.query(**query)
        delete_all(client, table, answer["Items"])
        deleted += len(answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return deleted
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _write_all(client: DynamoDBClient, table: str, requests: Sequence[WriteRequestUnionTypeDef]) -> None:
    for start in range(0, len(requests), _BATCH):
        _write_batch(client, table, list(requests[start : start + _BATCH]))


def _write_batch(client: DynamoDBClient, table: str, unprocessed: list[WriteRequestUnionTypeDef]) -> None:
    def attempt() -> None:
        with translate_errors():
            answer = client.batch_write_item(RequestItems={table: unprocessed})
        unprocessed[:] = answer["UnprocessedItems"].get(table, [])
        if unprocessed:
            raise _Unprocessed

    _retried(attempt, _Unprocessed, _BATCH_ATTEMPTS)


def _retried(attempt: Callable[[], None], on: type[Exception], attempts: int) -> None:
    retry.call(attempt, on=on, attempts=attempts, first_pause_s=0.02, max_pause_s=0.5)
