"""The effect of an event, once: the record that it was seen is written in the transaction of the effect.

Delivery is at least once and in no order, a redrive brings back what was done long ago, and whoever handles a message
may die at any point. None of that is seen in the effect, because an event that was seen changes nothing any more.

    PK                      SK      ttl
    SEEN#<digest>           SEEN

The digest is of the account, the event's name and its id. It keeps the record from holding anything of an account that
may have to be forgotten.
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
"""Longer than an event can be on its way: 4 days in a queue, 14 in its dead-letter queue, and both again."""


class Once:
    """Applies events to one service's table."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_s: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._now_s = now_s

    def apply(self, event: Event, effects: Sequence[TransactWriteItemTypeDef]) -> bool:
        """Write `effects` and that `event` was seen, both or neither; False when there was nothing left to do.

        That is so when the event was seen before, or its account has been deleted. ConditionFailed counts the effects
        whose condition did not hold, from 0; nothing is written then. At most 98 effects.
        """
        guards: list[TransactWriteItemTypeDef] = [self._seen(event), require_open(self._table, event.account_id)]
        try:
            transact(self._client, [*guards, *effects])
        except ConditionFailed as failure:
            if failure.actions & {0, 1}:
                return False
            raise ConditionFailed(frozenset(action - len(guards) for action in failure.actions)) from failure
        return True

    def _seen(self, event: Event) -> TransactWriteItemTypeDef:
        # The account too: what one account's events are called must never keep another's from being applied.
        digest = hashlib.sha256(f"{event.account_id} {event.name} {event.id}".encode()).hexdigest()
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    "PK": {"S": f"SEEN#{digest}"},
                    "SK": {"S": "SEEN"},
                    "ttl": {"N": str(int(self._now_s()) + KEPT_S)},
                },
                # Holds for the first delivery only.
                "ConditionExpression": "attribute_not_exists(PK)",
            }
        }
