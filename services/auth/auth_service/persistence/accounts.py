"""Accounts, from the first session to their deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auth_service.model import Account, account_deleted
from auth_service.persistence.outbox import write_with_event
from kv_common.account_tombstones import account_key, purge, tombstone, tombstone_key
from kv_common.dynamodb import ConditionFailed, transact, translate_errors
from kv_common.events.outbox import outbox_put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event


class AccountStore:
    """Accounts; every method but `forget` is one round trip, and all may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, account_id: str) -> Account | None:
        """Return the account, strongly consistent."""
        item = self._item(_key(account_id, "PROFILE"))
        if item is None:
            return None
        return Account(account_id, item["email"]["S"], item["plan"]["S"], int(item["createdAt"]["N"]))

    def add(self, account: Account, event: Event) -> None:
        """Store the account and its event, unless it exists; Unauthorized when it has been deleted."""
        profile: Item = {
            **_key(account.id, "PROFILE"),
            "email": {"S": account.email},
            "plan": {"S": account.plan},
            "createdAt": {"N": str(account.created_at_ms)},
        }
        # Holds for the first log-in only: what is stored of the account later must stay.
        first = "attribute_not_exists(PK)"
        try:
            write_with_event(
                self._client,
                self._table,
                event,
                [{"Put": {"TableName": self._table, "Item": profile, "ConditionExpression": first}}],
            )
        except ConditionFailed:
            return

    def require_open(self, account_id: str) -> None:
        """Raise Unauthorized when the account has been deleted."""
        if self._item(tombstone_key(account_id)) is not None:
            raise account_deleted()

    def close(self, account_id: str, username: str, event: Event, *, now_ms: int) -> None:
        """Block further writes and store the event; Unauthorized when the account is deleted already.

        `username` is the user's name in the user pool, which is deleted later.
        """
        deletion: Item = {**_key(account_id, "DELETION"), "username": {"S": username}}
        try:
            transact(
                self._client,
                [
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": tombstone(account_id, now_s=now_ms / 1000),
                            # Holds once: one request deletes the account, and one event is published.
                            "ConditionExpression": "attribute_not_exists(PK)",
                        }
                    },
                    {"Put": {"TableName": self._table, "Item": deletion}},
                    outbox_put(self._table, event),
                ],
            )
        except ConditionFailed as failure:
            raise account_deleted() from failure

    def username(self, account_id: str) -> str | None:
        """Return the user of a closed account, None once nothing is left of it."""
        item = self._item(_key(account_id, "DELETION"))
        return None if item is None else item["username"]["S"]

    def forget(self, account_id: str, *, now_ms: int) -> None:
        """Remove all that the table holds of a closed account; harmless to repeat."""
        purge(self._client, self._table, account_id, now_s=now_ms / 1000)

    def _item(self, key: Item) -> Item | None:
        with translate_errors():
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")


def _key(account_id: str, what: str) -> Item:
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": what}}
