"""Namespaces in DynamoDB."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kv_common.account_tombstones import account_key, require_open
from kv_common.dynamodb import ConditionFailed, transact, translate_errors
from kv_common.errors import Conflict, Unauthorized
from kv_common.events.outbox import outbox_put
from kv_service.namespaces.model import EMPTY, MAX_NAMESPACES, Namespace, NamespaceStats, NamespaceStatus
from kv_service.persistence.jobs import job_key, job_start
from kv_service.persistence.storage_usage import HOLDINGS_PREFIX, counters_key, holdings_key, owner_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.clock import Clock
    from kv_common.dynamodb.items import Item
    from kv_common.events import Event
    from kv_service.jobs.model import Job

NAMESPACE_PREFIX = "NAMESPACE#"
_GONE_KEPT_S = 2 * 86_400  # the stream, which may still have to count what was deleted, keeps a day


class NamespaceStore:
    """The namespaces of an account; methods take one round trip unless they say otherwise; may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_ms: Clock) -> None:
        self._client = client
        self._table = table
        self._now_ms = now_ms

    def create(self, account_id: str, namespace: Namespace, event: Event) -> None:
        """Add `namespace` with its event; Conflict when the name is taken or the account has MAX_NAMESPACES."""
        try:
            with translate_errors():
                self._client.transact_write_items(
                    TransactItems=[
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": {
                                    **namespace_key(account_id, namespace.name),
                                    "id": {"S": namespace.id},
                                    "createdAt": {"N": str(namespace.created_at_ms)},
                                    "status": {"S": namespace.status},
                                },
                                # Holds unless the account has a namespace of this name that is not being deleted.
                                "ConditionExpression": "attribute_not_exists(PK) OR #status = :deleting",
                                "ExpressionAttributeNames": {"#status": "status"},
                                "ExpressionAttributeValues": {":deleting": {"S": NamespaceStatus.DELETING}},
                            }
                        },
                        self._count(account_id, 1),
                        require_open(self._table, account_id),
                        {"Put": {"TableName": self._table, "Item": _empty(account_id, namespace.id)}},
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": {**owner_key(namespace.id), "account": {"S": account_id}},
                            }
                        },
                        outbox_put(self._table, event),
                    ]
                )
        except ConditionFailed as failure:
            if 2 in failure.actions:
                raise Unauthorized("The account has been deleted.") from failure
            if 0 in failure.actions:
                raise Conflict(f"The namespace {namespace.name!r} exists already.") from failure
            raise Conflict(
                f"An account may have {MAX_NAMESPACES} namespaces at most.",
                details={"reason": "too_many_namespaces", "max": MAX_NAMESPACES},
            ) from failure

    def get(self, account_id: str, name: str) -> Namespace | None:
        """Return the account's namespace `name`, also one being deleted; strongly consistent."""
        with translate_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=namespace_key(account_id, name), ConsistentRead=True
            )
        return _namespace(answer["Item"]) if "Item" in answer else None

    def all(self, account_id: str) -> tuple[Namespace, ...]:
        """Return the account's namespaces by name, also those being deleted, in a round trip per page."""
        return tuple(_namespace(item) for item in self._query(account_id, NAMESPACE_PREFIX))

    def stats(self, account_id: str, namespace_id: str) -> NamespaceStats:
        """Return what a namespace holds, as far as it is counted."""
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=holdings_key(account_id, namespace_id))
        return _holdings(answer["Item"]) if "Item" in answer else EMPTY

    def all_stats(self, account_id: str) -> dict[str, NamespaceStats]:
        """Return what the account's namespaces hold, by id, in a round trip per page; also of deleted ones."""
        return {
            item["SK"]["S"].removeprefix(HOLDINGS_PREFIX): _holdings(item)
            for item in self._query(account_id, HOLDINGS_PREFIX)
        }

    def close(self, account_id: str, namespace: Namespace, job: Job) -> None:
        """Close the namespace for good and begin the job that removes it; harmless when that has happened already."""
        with suppress(ConditionFailed), translate_errors():
            self._client.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": namespace_key(account_id, namespace.name),
                            "UpdateExpression": "SET #status = :deleting",
                            # Holds while the name refers to this namespace and it is not closed.
                            "ConditionExpression": "id = :id AND #status = :active",
                            "ExpressionAttributeNames": {"#status": "status"},
                            "ExpressionAttributeValues": {
                                ":deleting": {"S": NamespaceStatus.DELETING},
                                ":active": {"S": NamespaceStatus.ACTIVE},
                                ":id": {"S": namespace.id},
                            },
                        }
                    },
                    self._count(account_id, -1),
                    *job_start(self._table, job, now_ms=self._now_ms()),
                ]
            )

    def remove(self, account_id: str, namespace: Namespace, event: Event) -> None:
        """End the job of an emptied namespace, delete what is left of it and store the event; two round trips.

        Idempotent. Its stats are still counted down for a while: the stream lags behind.
        """
        with suppress(ConditionFailed), translate_errors():
            self._client.delete_item(
                TableName=self._table,
                Key=namespace_key(account_id, namespace.name),
                # Holds unless a new namespace has taken the name.
                ConditionExpression="id = :id",
                ExpressionAttributeValues={":id": {"S": namespace.id}},
            )
        with suppress(ConditionFailed):
            transact(
                self._client,
                [
                    {
                        "Delete": {
                            "TableName": self._table,
                            "Key": job_key(account_id, namespace.id),
                            # Holds once; then the event has been stored.
                            "ConditionExpression": "attribute_exists(PK)",
                        }
                    },
                    self._expire(holdings_key(account_id, namespace.id)),
                    self._expire(owner_key(namespace.id)),
                    outbox_put(self._table, event),
                ],
            )

    def _query(self, account_id: str, prefix: str) -> list[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :p AND begins_with(SK, :s)",
            ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":s": {"S": prefix}},
            ConsistentRead=True,
        )
        with translate_errors():
            return [item for page in pages for item in page["Items"]]

    def _count(self, account_id: str, change: int) -> TransactWriteItemTypeDef:
        """Return the transaction's part that keeps count of the account's namespaces."""
        room = "attribute_not_exists(namespaces) OR namespaces < :max"
        return {
            "Update": {
                "TableName": self._table,
                "Key": counters_key(account_id),
                "UpdateExpression": "ADD namespaces :change",
                # Holds while there is room for one more; one less there is always.
                "ConditionExpression": room if change > 0 else "namespaces <= :max",
                "ExpressionAttributeValues": {":change": {"N": str(change)}, ":max": {"N": str(MAX_NAMESPACES)}},
            }
        }

    def _expire(self, key: Item) -> TransactWriteItemTypeDef:
        return {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": "SET #ttl = :ttl",
                # Holds unless the account was deleted meanwhile.
                "ConditionExpression": "attribute_exists(PK)",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":ttl": {"N": str(self._now_ms() // 1000 + _GONE_KEPT_S)}},
            }
        }


def namespace_key(account_id: str, name: str) -> Item:
    """Return the key of an account's namespace."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": NAMESPACE_PREFIX + name}}


def _namespace(item: Item) -> Namespace:
    return Namespace(
        name=item["SK"]["S"].removeprefix(NAMESPACE_PREFIX),
        id=item["id"]["S"],
        created_at_ms=int(item["createdAt"]["N"]),
        status=NamespaceStatus(item["status"]["S"]),
    )


def _holdings(item: Item) -> NamespaceStats:
    return NamespaceStats(keys=int(item["keys"]["N"]), bytes=int(item["bytes"]["N"]))


def _empty(account_id: str, namespace_id: str) -> Item:
    return {**holdings_key(account_id, namespace_id), "keys": {"N": "0"}, "bytes": {"N": "0"}}
