"""Idempotent effects: the record that an event was processed is written in the transaction of its effects.

Delivery is at least once and unordered, a redrive may redeliver old events, and a consumer may die at any point. An
event that was processed has no effect when it is redelivered.

    PK                      SK      ttl
    SEEN#<digest>           SEEN

The digest is of the account, the event's name and its id, so the record contains no account data that may have to be
deleted.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kv_common.account_tombstones import require_open
from kv_common.dynamodb import ConditionFailed, transact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.events.envelope import Event

KEPT_S = 60 * 86_400
"""Longer than an event can be underway: 4 days in a queue, 14 in its dead-letter queue, and both again."""


class ProcessedEvents:
    """Applies events to one service's table."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_s: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._now_s = now_s

    def apply(self, event: Event, effects: Sequence[TransactWriteItemTypeDef]) -> bool:
        """Write `effects` and record the event as processed, atomically; False if there was nothing to do.

        There is nothing to do if the event was processed before or its account has been deleted. At most 98 effects.
        If the condition of an effect fails, nothing is written: ConditionFailed has the indexes of those effects.
        """
        guards: list[TransactWriteItemTypeDef] = [self._record(event), require_open(self._table, event.account_id)]
        try:
            transact(self._client, [*guards, *effects])
        except ConditionFailed as failure:
            if failure.actions & {0, 1}:
                return False
            raise ConditionFailed(frozenset(action - len(guards) for action in failure.actions)) from failure
        return True

    def _record(self, event: Event) -> TransactWriteItemTypeDef:
        # Includes the account: an event id of one account must not hide the same id of another.
        digest = hashlib.sha256(f"{event.account_id} {event.name} {event.id}".encode()).hexdigest()
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    "PK": {"S": f"SEEN#{digest}"},
                    "SK": {"S": "SEEN"},
                    "ttl": {"N": str(int(self._now_s()) + KEPT_S)},
                },
                # True for the first delivery only.
                "ConditionExpression": "attribute_not_exists(PK)",
            }
        }
