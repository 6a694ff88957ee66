"""What namespaces and accounts hold, and up to where in the table's stream that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.account_tombstones import account_key
from kv_common.dynamodb import ConditionFailed, transact, translate_errors
from kv_common.errors import Unavailable
from kv_common.events.outbox import outbox_put
from kv_service.storage_usage.ports import AlreadyCounted, NamespacesDeleted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event
    from kv_service.storage_usage.rules import UsageDelta


HOLDINGS_PREFIX = "HOLDINGS#"
_CHECKPOINT_KEPT_S = 3 * 86_400  # the stream itself keeps a day
_SEQUENCE_WIDTH = 40  # as text, for they are longer than DynamoDB's numbers


class StorageStore:
    """Counts of keys and bytes."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_s: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._now_s = now_s
        self._owners: dict[str, str] = {}

    def owners(self, namespace_ids: Sequence[str]) -> dict[str, str]:
        """Return the accounts of namespaces by id, without deleted ones; one round trip for the ids not yet known."""
        unknown = [one for one in namespace_ids if one not in self._owners]
        if unknown:
            keys = [owner_key(one) for one in unknown]
            with translate_errors():
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            if answer.get("UnprocessedKeys"):
                raise Unavailable
            for item in answer["Responses"].get(self._table, []):
                self._owners[item["PK"]["S"].removeprefix(_OWNER_PREFIX)] = item["account"]["S"]
        return {one: self._owners[one] for one in namespace_ids if one in self._owners}

    def count(
        self, shard: str, *, first: int, last: int, sum_deltas: Sequence[UsageDelta], events: Sequence[Event]
    ) -> None:
        """Add to the counts of namespaces and accounts and store the events, for changes `first` to `last` of a shard.

        `events` are those of `sum_deltas`, in the same order. Raises AlreadyCounted when some of the changes are
        counted already,
        NamespacesDeleted when there is nobody left to count for; nothing is written then.
        """
        accounts: dict[str, tuple[int, int]] = {}
        for growth, event in zip(sum_deltas, events, strict=True):
            size, keys = accounts.get(event.account_id, (0, 0))
            accounts[event.account_id] = (size + growth.bytes, keys + growth.keys)
        items = [self._checkpoint(shard, first, last)]
        items += [
            self._add(holdings_key(event.account_id, growth.namespace_id), growth.bytes, growth.keys)
            for growth, event in zip(sum_deltas, events, strict=True)
        ]
        items += [self._add(counters_key(account_id), size, keys) for account_id, (size, keys) in accounts.items()]
        items += [outbox_put(self._table, event) for event in events]
        try:
            transact(self._client, items)
        except ConditionFailed as failure:
            if 0 in failure.actions:
                raise AlreadyCounted(self._position(shard)) from failure
            raise NamespacesDeleted(_missing(failure.actions, sum_deltas, events, list(accounts))) from failure

    def _checkpoint(self, shard: str, first: int, last: int) -> TransactWriteItemTypeDef:
        return {
            "Update": {
                "TableName": self._table,
                "Key": _shard_key(shard),
                "UpdateExpression": "SET #position = :last, #ttl = :ttl",
                # Holds while none of these changes has been counted.
                "ConditionExpression": "attribute_not_exists(#position) OR #position < :first",
                "ExpressionAttributeNames": {"#position": "position", "#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":first": {"S": str(first).zfill(_SEQUENCE_WIDTH)},
                    ":last": {"S": str(last).zfill(_SEQUENCE_WIDTH)},
                    ":ttl": {"N": str(int(self._now_s()) + _CHECKPOINT_KEPT_S)},
                },
            }
        }

    def _add(self, key: Item, size: int, keys: int) -> TransactWriteItemTypeDef:
        return {
            "Update": {
                "TableName": self._table,
                "Key": key,
                "UpdateExpression": "ADD #bytes :bytes, #keys :keys",
                # Holds until the account is deleted: a late change must not bring a part of it back.
                "ConditionExpression": "attribute_exists(PK)",
                "ExpressionAttributeNames": {"#bytes": "bytes", "#keys": "keys"},
                "ExpressionAttributeValues": {":bytes": {"N": str(size)}, ":keys": {"N": str(keys)}},
            }
        }

    def _position(self, shard: str) -> int:
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=_shard_key(shard), ConsistentRead=True)
        return int(answer["Item"]["position"]["S"])


def counters_key(account_id: str) -> Item:
    """Return the key of what an account holds in all."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": "COUNTERS"}}


def holdings_key(account_id: str, namespace_id: str) -> Item:
    """Return the key of what a namespace holds."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": HOLDINGS_PREFIX + namespace_id}}


_OWNER_PREFIX = "N#"


def owner_key(namespace_id: str) -> Item:
    """Return the key under which a namespace's account is found; values themselves do not name it, to stay small."""
    return {"PK": {"S": _OWNER_PREFIX + namespace_id}, "SK": {"S": "OWNER"}}


def _shard_key(shard: str) -> Item:
    return {"PK": {"S": f"SHARD#{shard}"}, "SK": {"S": "CHECKPOINT"}}


def _missing(
    failed: frozenset[int], sum_deltas: Sequence[UsageDelta], events: Sequence[Event], accounts: Sequence[str]
) -> frozenset[str]:
    """Return the namespaces that the failed items of a transaction stand for."""
    closed = {accounts[index - 1 - len(sum_deltas)] for index in failed if index > len(sum_deltas)}
    return frozenset(
        growth.namespace_id
        for index, (growth, event) in enumerate(zip(sum_deltas, events, strict=True), start=1)
        if index in failed or event.account_id in closed
    )
