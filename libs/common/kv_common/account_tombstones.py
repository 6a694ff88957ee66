"""What a service keeps of an account, and what it remembers of a deleted one.

Everything of an account stands in one partition, `ACCOUNT#<account>`. Events come in no order, so some of a deleted
account arrive after AccountDeleted; they must not bring anything back. So a service that forgets an account leaves a
mark, under a digest and for as long as events may be on their way:

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
    """Return the partition key of an account's own items."""
    return ACCOUNT_PREFIX + account_id


def tombstone_key(account_id: str) -> dict[str, AttributeValueTypeDef]:
    """Return the key of the mark that a deleted account leaves."""
    digest = hashlib.sha256(f"account {account_id}".encode()).hexdigest()
    return {"PK": {"S": f"CLOSED#{digest}"}, "SK": {"S": "CLOSED"}}


def tombstone(account_id: str, *, now_s: float) -> dict[str, AttributeValueTypeDef]:
    """Return the mark that a deleted account leaves."""
    return {**tombstone_key(account_id), "ttl": {"N": str(int(now_s) + KEPT_S)}}


def require_open(table: str, account_id: str) -> TransactWriteItemTypeDef:
    """Return the part of a transaction that keeps it from writing anything of a deleted account."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": tombstone_key(account_id),
            # Holds until the account is deleted.
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }


def write_tombstone(client: DynamoDBClient, table: str, account_id: str, *, now_s: float) -> None:
    """Let nothing of the account be written any more; harmless to repeat."""
    with translate_errors():
        client.put_item(TableName=table, Item=tombstone(account_id, now_s=now_s))


def purge(client: DynamoDBClient, table: str, account_id: str, *, now_s: float) -> None:
    """Close the account and remove all that its partition holds; harmless to repeat, in as many trips as it takes."""
    write_tombstone(client, table, account_id, now_s=now_s)
    delete_partition(client, table, account_key(account_id))
