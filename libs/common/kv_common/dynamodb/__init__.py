"""DynamoDB for the stores: a client with short time-outs, and translated errors.

`factory` creates the client, `errors` translates its errors, `writes` has transactions and batches, and `fast` is the
client that takes a tenth of boto3's CPU.
"""

from kv_common.dynamodb.errors import ConditionFailed, TransactionConflict, TransactionTooLarge, translate_errors
from kv_common.dynamodb.factory import client
from kv_common.dynamodb.writes import (
    MAX_TRANSACTION,
    delete_all,
    delete_partition,
    ping_table,
    put_all,
    transact,
)

__all__ = [
    "MAX_TRANSACTION",
    "ConditionFailed",
    "TransactionConflict",
    "TransactionTooLarge",
    "client",
    "delete_all",
    "delete_partition",
    "ping_table",
    "put_all",
    "transact",
    "translate_errors",
]
