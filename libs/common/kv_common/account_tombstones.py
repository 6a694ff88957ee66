"""Partitions of accounts, and tombstones of deleted ones.

All items of an account are in one partition, `ACCOUNT#<account>`. Events are unordered, so events of a deleted account
may arrive after AccountDeleted and must not store anything. A service that deletes an account therefore writes a
tombstone, identified by a digest, for as long as events may be underway:

    PK                          SK        ttl
    CLOSED#<digest of account>  CLOSED
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kv_common.dynamodb import delete_partition, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

ACCOUNT_PREFIX = "ACCOUNT#"
KEPT_S = 60 * 86_400


def account_key(account_id: str) -> str:
    """Return the partition key of an account's items."""
    return ACCOUNT_PREFIX + account_id


def tombstone_key(account_id: str) -> dict[str, AttributeValueTypeDef]:
    """Return the key of a deleted account's tombstone."""
    digest = hashlib.sha256(f"account {account_id}".encode()).hexdigest()
    return {"PK": {"S": f"CLOSED#{digest}"}, "SK": {"S": "CLOSED"}}


def tombstone(account_id: str, *, now_s: float) -> dict[str, AttributeValueTypeDef]:
    """Return a deleted account's tombstone."""
    return {**tombstone_key(account_id), "ttl": {"N": str(int(now_s) + KEPT_S)}}


def require_open(table: str, account_id: str) -> TransactWriteItemTypeDef:
    """Return the condition check that fails a transaction if the account was deleted."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": tombstone_key(account_id),
            # True until the account is deleted.
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def write_tombstone(client: DynamoDBClient, table: str, account_id: str, *, now_s: float) -> None:
    """Block further writes for the account; idempotent."""
    with translate_errors():
        client.put_item(TableName=table, Item=tombstone(account_id, now_s=now_s))


def purge(client: DynamoDBClient, table: str, account_id: str, *, now_s: float) -> None:
    """Block further writes and delete the account's partition; idempotent, with a round trip per page."""
    write_tombstone(client, table, account_id, now_s=now_s)
    delete_partition(client, table, account_key(account_id))
