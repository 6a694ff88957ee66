"""Requests in DynamoDB: what of a minute was booked, and the totals it was booked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from kv_common.account_tombstones import require_open
from kv_common.dynamodb import ConditionFailed, transact, translate_errors
from kv_common.events import Served
from usage_service.domain.metering import NOTHING_BOOKED, Booked, total
from usage_service.domain.periods import closes_at_s, day_of_minute, month_of
from usage_service.persistence.codec import UPDATED_AT, addends, addition, day_key, minute_key, month_key, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef, TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from usage_service.domain.metering import Step

KEPT_AFTER_CLOSING_S = 86_400
"""A minute's row goes a day after its month has closed, when nothing that comes again could be booked any more."""

_counts = TypeAdapter(dict[str, Served])


class Outdated(Exception):
    """A step was booked of the minute since it was read."""


class LedgerStore:
    """Books what was served; every method is one round trip and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_s: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._now_s = now_s

    def booked(self, account_id: str, minute: int, epoch: str) -> Booked:
        """Return what of a (minute, epoch) stands in the totals; strongly consistent."""
        key = minute_key(account_id, minute, epoch)
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            return NOTHING_BOOKED
        item = answer["Item"]
        return Booked(number(item, "changes"), _counts.validate_json(item["counts"]["S"]), number(item, "steps"))

    def book(self, account_id: str, minute: int, epoch: str, before: Booked, step: Step) -> bool:
        """Add a step to the totals and note that it stands there, both or neither; False for a deleted account.

        Outdated when what is booked is no longer `before`.
        """
        day = day_of_minute(minute)
        month = month_of(day)
        # A month closes at a fixed time, and nobody asks for its minutes after that.
        ttl = closes_at_s(month) + KEPT_AFTER_CLOSING_S
        actions = [
            require_open(self._table, account_id),
            self._note(minute_key(account_id, minute, epoch), before, step.after, ttl),
            addition(
                self._table,
                month_key(account_id, month),
                addends(total(step.differences.values())),
                {UPDATED_AT: {"N": str(int(self._now_s()))}},
            ),
            *(
                addition(self._table, day_key(account_id, day, namespace_id), addends(served))
                for namespace_id, served in step.differences.items()
            ),
        ]
        try:
            transact(self._client, actions)
        except ConditionFailed as failure:
            if 0 in failure.actions:
                return False
            raise Outdated from failure
        return True

    def _note(self, key: Item, before: Booked, after: Booked, ttl: int) -> TransactWriteItemTypeDef:
        put: PutTypeDef = {
            "TableName": self._table,
            "Item": {
                **key,
                "changes": {"N": str(after.changes)},
                "counts": {"S": _counts.dump_json(dict(after.counts)).decode()},
                "steps": {"N": str(after.steps)},
                "ttl": {"N": str(ttl)},
            },
            # Holds while nothing of the minute is booked.
            "ConditionExpression": "attribute_not_exists(PK)",
        }
        if before.steps:
            # Holds while no step was booked since `before` was read: their number only grows.
            put["ConditionExpression"] = "steps = :steps"
            put["ExpressionAttributeValues"] = {":steps": {"N": str(before.steps)}}
        return {"Put": put}
