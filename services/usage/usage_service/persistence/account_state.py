"""What holds for an account now in DynamoDB: its plan, and what its namespaces store."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kv_common.dynamodb import ConditionFailed, ping_table, translate_errors
from kv_common.errors import Unavailable
from usage_service.domain.reports import AccountState, MonthUse
from usage_service.domain.thresholds import FIRST_PLAN, Plan
from usage_service.persistence.codec import (
    EMITTED,
    STORED_BYTES,
    STORED_KEYS,
    UPDATED_AT,
    addition,
    month_key,
    namespace_key,
    number,
    served_of,
    standing_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event, NamespaceCreated, NamespaceDeleted, StorageChanged
    from kv_common.events.processed_events import ProcessedEvents


class AccountStateStore:
    """Applies changes of an account's state, once per event; one round trip per method, may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, processed: ProcessedEvents) -> None:
        self._client = client
        self._table = table
        self._processed = processed

    def change_storage(self, event: Event, change: StorageChanged) -> None:
        """Add to what the namespace and the account store."""
        amounts = {STORED_BYTES: change.bytes_delta, STORED_KEYS: change.keys_delta}
        self._processed.apply(
            event,
            [
                addition(self._table, namespace_key(event.account_id, change.namespace_id), amounts),
                addition(self._table, standing_key(event.account_id), amounts),
            ],
        )

    def name_namespace(self, event: Event, named: NamespaceCreated | NamespaceDeleted) -> None:
        """Keep the name of a namespace's id; what was kept of a deleted one stays."""
        key = namespace_key(event.account_id, named.namespace_id)
        self._processed.apply(event, [addition(self._table, key, {}, {"name": {"S": named.name}})])

    def change_plan(self, event: Event, plan: Plan) -> None:
        """Keep the account's plan, unless a newer change of it is kept."""
        assigned: Item = {
            "plan": {"S": plan.name},
            "quota": {"N": str(plan.requests_per_month)},
            "storageLimit": {"N": str(plan.storage_bytes)},
            "changedAt": {"N": str(plan.changed_at_us)},
        }
        action = addition(self._table, standing_key(event.account_id), {}, assigned)
        update = action["Update"]
        # Holds unless this change of plan, or a newer one, is kept already.
        update["ConditionExpression"] = "attribute_not_exists(changedAt) OR changedAt < :changed"
        update["ExpressionAttributeValues"] = {
            **update.get("ExpressionAttributeValues", {}),
            ":changed": assigned["changedAt"],
        }
        with suppress(ConditionFailed):
            self._processed.apply(event, [action])

    def read(self, account_id: str, month: str) -> tuple[AccountState, MonthUse]:
        """Return what holds for the account now and its use of a month; strongly consistent."""
        standing, use = standing_key(account_id), month_key(account_id, month)
        with translate_errors():
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": [standing, use], "ConsistentRead": True}}
            )
        if answer.get("UnprocessedKeys"):
            raise Unavailable
        items = {item["SK"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        return _standing(items.get(standing["SK"]["S"], {})), _month_use(month, items.get(use["SK"]["S"], {}))

    def check(self) -> None:
        """Return if the table answers."""
        ping_table(self._client, self._table)


def _standing(item: Item) -> AccountState:
    plan = FIRST_PLAN
    if "changedAt" in item:
        quota, limit, changed_at = (number(item, name) for name in ("quota", "storageLimit", "changedAt"))
        plan = Plan(item["plan"]["S"], quota, limit, changed_at)
    return AccountState(plan, number(item, STORED_BYTES), number(item, STORED_KEYS))


def _month_use(month: str, item: Item) -> MonthUse:
    return MonthUse(
        month,
        served_of(item),
        number(item, UPDATED_AT) if UPDATED_AT in item else None,
        frozenset(item[EMITTED]["SS"]) if EMITTED in item else frozenset(),
    )
