"""Writes of an account together with their event, atomically, and none once the account is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auth_service.model import account_deleted
from kv_common.account_tombstones import require_open
from kv_common.dynamodb import ConditionFailed, transact
from kv_common.events.outbox import outbox_put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.events import Event


def write_with_event(
    client: DynamoDBClient, table: str, event: Event, items: Sequence[TransactWriteItemTypeDef]
) -> None:
    """Write `items` and the event; Unauthorized when the account is deleted.

    ConditionFailed says that another condition did not hold. Writes of one account at the same time wait for each
    other, for they all look at the same mark.
    """
    try:
        transact(client, [require_open(table, event.account_id), *items, outbox_put(table, event)])
    except ConditionFailed as failure:
        if 0 in failure.actions:
            raise account_deleted() from failure
        raise
