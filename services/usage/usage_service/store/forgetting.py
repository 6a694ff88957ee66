"""Deleted accounts: nothing of them stays, and nothing comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.accounts import account_key, close, forget
from kv_common.dynamodb import delete_partition, errors_translated
from kv_common.events.outbox import PREFIX
from usage_service.facts import crossing_id
from usage_service.store.items import MONTH, TOLD

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def forget_account(client: DynamoDBClient, table: str, account_id: str, *, now_s: float) -> None:
    """Remove all that is kept of an account, also of what was told of it; harmless to repeat.

    The months know what was told, so they go last: whoever stops half-way finds the rest again.
    """
    close(client, table, account_id, now_s=now_s)
    for event_id in _told(client, table, account_id):
        delete_partition(client, table, PREFIX + event_id)
    forget(client, table, account_id, now_s=now_s)


def _told(client: DynamoDBClient, table: str, account_id: str) -> list[str]:
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="PK = :p AND begins_with(SK, :month)",
        ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":month": {"S": MONTH}},
        ConsistentRead=True,
    )
    with errors_translated():
        months = [item for page in pages for item in page["Items"] if TOLD in item]
    return [
        crossing_id(account_id, item["SK"]["S"].removeprefix(MONTH), mark)
        for item in months
        for mark in item[TOLD]["SS"]
    ]
