"""Preferences in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts_service.model import OffReason, Preferences
from kv_common.account_tombstones import account_key, require_open
from kv_common.dynamodb import ConditionFailed, transact, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

    from kv_common.dynamodb.items import Item


class AccountClosed(Exception):
    """The account has been deleted: nothing of it may be written any more."""


class PreferenceStore:
    """The preferences of an account; every method is one round trip and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, account_id: str) -> Preferences:
        """Return the account's preferences, strongly consistent; the default ones if it has set none."""
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=preferences_key(account_id), ConsistentRead=True)
        return read_preferences(answer.get("Item"))

    def set(self, account_id: str, *, email: bool, thresholds: tuple[int, ...], now_ms: int) -> None:
        """Store what the owner wants; AccountClosed when there is no such account any more.

        Turning mail on lifts what had turned it off.
        """
        turned_on = "SET email = :email, thresholds = :thresholds, onAt = :now REMOVE offReason, offAt"
        values: Item = {
            ":email": {"BOOL": email},
            ":thresholds": {"L": [{"N": str(threshold)} for threshold in thresholds]},
        }
        update: UpdateTypeDef = {
            "TableName": self._table,
            "Key": preferences_key(account_id),
            "UpdateExpression": turned_on if email else "SET email = :email, thresholds = :thresholds",
            "ExpressionAttributeValues": {**values, ":now": {"N": str(now_ms)}} if email else values,
        }
        self._update_open(account_id, update)

    def turn_off(self, account_id: str, reason: OffReason, *, reported_at_ms: int, now_ms: int) -> None:
        """Send the account no mail any more, because of what became known of a mail sent at `reported_at_ms`.

        Does nothing when the owner has turned mail on after that; AccountClosed when there is no such account.
        """
        try:
            self._update_open(
                account_id,
                {
                    "TableName": self._table,
                    "Key": preferences_key(account_id),
                    "UpdateExpression": "SET email = :off, offReason = :reason, offAt = :now",
                    # Holds unless the owner has asked for mail since: what comes late is about the time before.
                    "ConditionExpression": "attribute_not_exists(onAt) OR onAt <= :reported",
                    "ExpressionAttributeValues": {
                        ":off": {"BOOL": False},
                        ":reason": {"S": reason},
                        ":now": {"N": str(now_ms)},
                        ":reported": {"N": str(reported_at_ms)},
                    },
                },
            )
        except ConditionFailed:
            return

    def _update_open(self, account_id: str, update: UpdateTypeDef) -> None:
        try:
            transact(self._client, [require_open(self._table, account_id), {"Update": update}])
        except ConditionFailed as failure:
            if 0 in failure.actions:
                raise AccountClosed from failure
            raise


def preferences_key(account_id: str) -> Item:
    """Return the key of an account's preferences."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": "PREFERENCES"}}


def read_preferences(item: Item | None) -> Preferences:
    """Return the preferences in an item, or the default ones."""
    if item is None:
        return Preferences()
    default = Preferences()
    return Preferences(
        email=item["email"]["BOOL"],
        thresholds=tuple(int(threshold["N"]) for threshold in item["thresholds"]["L"])
        if "thresholds" in item
        else default.thresholds,
        off_reason=OffReason(item["offReason"]["S"]) if "offReason" in item else None,
        off_at_ms=int(item["offAt"]["N"]) if "offAt" in item else None,
    )
