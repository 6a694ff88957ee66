"""Crossings in DynamoDB: the marker of a published one, and its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.account_tombstones import require_open
from kv_common.dynamodb import ConditionFailed, transact
from kv_common.events.outbox import outbox_put
from usage_service.persistence.codec import EMITTED, month_key, standing_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import ConditionCheckTypeDef, TransactWriteItemTypeDef

    from kv_common.events import Event
    from usage_service.domain.thresholds import Plan


class ThresholdStore:
    """Publishes crossings, each once; one round trip, may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def publish(self, account_id: str, month: str, plan: Plan, events: Mapping[str, Event]) -> bool:
        """Store events and their markers in the month, all or none; False when others may be due now.

        That is so when one of them was published meanwhile, or the account is on another plan. A deleted account has no
        events.
        """
        actions = [
            require_open(self._table, account_id),
            self._is_on(account_id, plan),
            self._note(account_id, month, list(events)),
            *(outbox_put(self._table, event) for event in events.values()),
        ]
        try:
            transact(self._client, actions)
        except ConditionFailed as failure:
            return 0 in failure.actions
        return True

    def _is_on(self, account_id: str, plan: Plan) -> TransactWriteItemTypeDef:
        check: ConditionCheckTypeDef = {
            "TableName": self._table,
            "Key": standing_key(account_id),
            # Holds until the account's first change of plan.
            "ConditionExpression": "attribute_not_exists(changedAt)",
        }
        if plan.changed_at_us:
            # Holds until the next one is.
            check["ConditionExpression"] = "changedAt = :changed"
            check["ExpressionAttributeValues"] = {":changed": {"N": str(plan.changed_at_us)}}
        return {"ConditionCheck": check}

    def _note(self, account_id: str, month: str, marks: list[str]) -> TransactWriteItemTypeDef:
        each = {f":{number}": {"S": mark} for number, mark in enumerate(marks)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": month_key(account_id, month),
                "UpdateExpression": "ADD #emitted :marks",
                # Holds while none of them has been published.
                "ConditionExpression": " AND ".join(f"(NOT contains(#emitted, {name}))" for name in each),
                "ExpressionAttributeNames": {"#emitted": EMITTED},
                "ExpressionAttributeValues": {":marks": {"SS": marks}, **each},
            }
        }
