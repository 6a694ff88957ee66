"""The only DynamoDB code of billing.

    PK                      SK              what
    ACCOUNT#<account>       SUBSCRIPTION    plan, subscriptions, custom limits (JSON), changedAt (µs), revision
    ACCOUNT#<account>       OUTBOX#<event>  an event to publish: see kv_common.events.outbox
    WEBHOOK#<evt id>        SEEN            one of Paddle's events that was applied, or found older than what is known
    SEEN#, CLOSED#                          see kv_common.events.processed_events and kv_common.account_tombstones

The index `due` holds the accounts that somebody has to look after, by the time to do so (`due`, `dueAt` in µs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from billing_service.model import Account, CustomLimits, Subscription
from kv_common import account_tombstones
from kv_common.account_tombstones import account_key, require_open
from kv_common.dynamodb import ConditionFailed, ping_table, transact, translate_errors
from kv_common.events.outbox import outbox_put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event

SEEN_KEPT_S = 100 * 86_400
"""Longer than Paddle keeps a notification and lets it be replayed (90 days)."""
_ACCOUNT = "SUBSCRIPTION"
_DUE_INDEX = "due"

_subscriptions = msgspec.json.Decoder(tuple[Subscription, ...])
_custom_limits = msgspec.json.Decoder(CustomLimits)


class Outdated(Exception):
    """The account is no longer as it was when the change was decided."""


class Seen(Exception):
    """This event of Paddle's was applied before."""


class Closed(Exception):
    """The account was deleted: nothing of it is kept any more."""


class BillingStore:
    """What billing keeps; every method may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_s: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._now_s = now_s

    def load(self, account_id: str) -> Account | None:
        """Return an account, strongly consistent; None when there is none (any more)."""
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=_account_item(account_id), ConsistentRead=True)
        return _account(account_id, answer["Item"]) if "Item" in answer else None

    def is_closed(self, account_id: str) -> bool:
        """Return whether the account was deleted a short time ago."""
        with translate_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=account_tombstones.tombstone_key(account_id), ConsistentRead=True
            )
        return "Item" in answer

    def creation(self, account_id: str) -> TransactWriteItemTypeDef:
        """Return the part of a transaction that adds an account which has bought nothing."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": _item(Account(account_id)),
                # Holds for the first one only: what the account has bought since must stay.
                "ConditionExpression": "attribute_not_exists(PK)",
            }
        }

    def add(self, account_id: str) -> None:
        """Add an account that has bought nothing, unless it is there; Closed when it was deleted."""
        try:
            transact(self._client, [require_open(self._table, account_id), self.creation(account_id)])
        except ConditionFailed as failure:
            if 0 in failure.actions:
                raise Closed from failure

    def save(self, account: Account, events: Sequence[Event], event_id: str | None) -> None:
        """Store the account's new revision, its events, and that Paddle's event was seen: all or nothing."""
        change: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": _item(account),
                # Holds while nobody has changed the account since it was read.
                "ConditionExpression": "revision = :before",
                "ExpressionAttributeValues": {":before": {"N": str(account.revision - 1)}},
            }
        }
        self._write(account.id, event_id, [change, *(outbox_put(self._table, event) for event in events)])

    def record(self, account_id: str, event_id: str, events: Sequence[Event] = ()) -> None:
        """Record that Paddle's event was seen, with the events that follow from it, without a change to the account."""
        self._write(account_id, event_id, [outbox_put(self._table, event) for event in events])

    def due(self, *, now_us: int) -> Iterator[str]:
        """Yield the accounts to look after by now, the longest overdue first; eventually consistent."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=_DUE_INDEX,
            KeyConditionExpression="due = :due AND dueAt <= :now",
            ExpressionAttributeValues={":due": {"S": _DUE_INDEX}, ":now": {"N": str(now_us)}},
        )
        with translate_errors():
            for page in pages:
                for item in page["Items"]:
                    yield item["PK"]["S"].removeprefix(account_key(""))

    def close(self, account_id: str) -> None:
        """Let nothing of the account be stored any more; harmless to repeat."""
        with translate_errors():
            account_tombstones.write_tombstone(self._client, self._table, account_id, now_s=self._now_s())

    def forget(self, account_id: str) -> None:
        """Remove all that is kept of the account; harmless to repeat."""
        with translate_errors():
            account_tombstones.purge(self._client, self._table, account_id, now_s=self._now_s())

    def check(self) -> None:
        """Return if the table answers."""
        ping_table(self._client, self._table)

    def _write(self, account_id: str, event_id: str | None, items: Sequence[TransactWriteItemTypeDef]) -> None:
        guards = [require_open(self._table, account_id), *([] if event_id is None else [self._seen(event_id)])]
        try:
            transact(self._client, [*guards, *items])
        except ConditionFailed as failure:
            if event_id is not None and 1 in failure.actions:
                raise Seen from failure
            if 0 in failure.actions:
                raise Closed from failure
            raise Outdated from failure

    def _seen(self, event_id: str) -> TransactWriteItemTypeDef:
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    "PK": {"S": f"WEBHOOK#{event_id}"},
                    "SK": {"S": "SEEN"},
                    "ttl": {"N": str(int(self._now_s()) + SEEN_KEPT_S)},
                },
                # Holds for the first delivery only.
                "ConditionExpression": "attribute_not_exists(PK)",
            }
        }


def _account_item(account_id: str) -> Item:
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": _ACCOUNT}}


def _item(account: Account) -> Item:
    item: Item = {
        **_account_item(account.id),
        "plan": {"S": account.plan},
        "subscriptions": {"S": msgspec.json.encode(account.subscriptions).decode()},
        "custom_limits": {"S": msgspec.json.encode(account.custom_limits).decode()},
        "changedAt": {"N": str(account.changed_at_us)},
        "revision": {"N": str(account.revision)},
    }
    if account.check_us is not None:
        item["due"] = {"S": _DUE_INDEX}
        item["dueAt"] = {"N": str(account.check_us)}
    return item


def _account(account_id: str, item: Item) -> Account:
    return Account(
        id=account_id,
        subscriptions=_subscriptions.decode(item["subscriptions"]["S"]),
        custom_limits=_custom_limits.decode(item["custom_limits"]["S"]),
        changed_at_us=int(item["changedAt"]["N"]),
        revision=int(item["revision"]["N"]),
    )
