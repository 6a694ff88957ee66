"""Values in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.dynamodb import ConditionFailed, delete_all, delete_partition, errors_translated
from kv_service.domain import KeyInfo, KeyRange, NewValue, Space, StorageFull, Value
from kv_service.storage import VALUE_PREFIX

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef, UpdateItemInputTypeDef

    Item = dict[str, AttributeValueTypeDef]

LIST_INDEX = "list"
_DELETED_AT_ONCE = 1_000


class ValueStore:
    """The values of a `Space`; every method is one trip unless it says otherwise, and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, space: Space, key: str) -> Value | None:
        """Return the value of `key`, strongly consistent."""
        with errors_translated():
            answer = self._client.get_item(TableName=self._table, Key=_key(space, key), ConsistentRead=True)
        return _value(key, answer["Item"]) if "Item" in answer else None

    def head(self, space: Space, key: str) -> Value | None:
        """Return the value of `key` without its text, which then does not travel."""
        with errors_translated():
            answer = self._client.get_item(
                TableName=self._table, Key=_key(space, key), ConsistentRead=True, ProjectionExpression="s, c, u, e"
            )
        return _value(key, answer["Item"]) if "Item" in answer else None

    def put(self, space: Space, new: NewValue, *, etag: str, now_ms: int) -> int | None:
        """Store a value; return when the one it replaces was created (ms), None if it is new.

        StorageFull when it would make more of the namespace than the account has room for.
        """
        size = len(new.text.encode())
        update: UpdateItemInputTypeDef = {
            "TableName": self._table,
            "Key": _key(space, new.key),
            "UpdateExpression": "SET v = :v, s = :s, u = :u, e = :e, c = if_not_exists(c, :u)",
            "ExpressionAttributeValues": {
                ":v": {"S": new.text},
                ":s": {"N": str(size)},
                ":u": {"N": str(now_ms)},
                ":e": {"S": etag},
            },
            # Only the old state tells a replacement from a creation when two writers race.
            "ReturnValues": "UPDATED_OLD",
        }
        if len(new.key) + size > space.room:
            # Holds when what is replaced gives back as much as there is no room for.
            update["ConditionExpression"] = "s >= :least"
            values = dict(update["ExpressionAttributeValues"])
            update["ExpressionAttributeValues"] = {**values, ":least": {"N": str(size - space.room)}}
        try:
            with errors_translated():
                answer = self._client.update_item(**update)
        except ConditionFailed as failure:
            raise StorageFull from failure
        old = answer.get("Attributes")
        return int(old["c"]["N"]) if old else None

    def delete(self, space: Space, key: str) -> None:
        """Remove `key`, if it is there."""
        with errors_translated():
            self._client.delete_item(TableName=self._table, Key=_key(space, key))

    def page(self, space: Space, *, prefix: str, limit: int, after: str | None) -> KeyRange:
        """Return up to `limit` keys that start with `prefix`, in order, after the key `after`.

        It reads the index alone, whose entries hold no text: the cost does not grow with the values' size.
        """
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "IndexName": LIST_INDEX,
            "KeyConditionExpression": "PK = :p",
            "ExpressionAttributeValues": {":p": {"S": _partition(space)}},
            "Limit": limit,
        }
        if prefix:
            query["KeyConditionExpression"] = "PK = :p AND begins_with(SK, :k)"
            query["ExpressionAttributeValues"] = {":p": {"S": _partition(space)}, ":k": {"S": prefix}}
        if after is not None:
            query["ExclusiveStartKey"] = _key(space, after)
        with errors_translated():
            answer = self._client.query(**query)
        last = answer.get("LastEvaluatedKey")
        return KeyRange(
            tuple(_info(item["SK"]["S"], item) for item in answer["Items"]), last["SK"]["S"] if last else None
        )

    def delete_some(self, space: Space) -> int:
        """Remove up to a thousand keys and return how many, 0 when none is left; 41 trips for a thousand.

        It finds them in the index, which may lag behind: some may have gone already, and some not show yet.
        """
        with errors_translated():
            answer = self._client.query(
                TableName=self._table,
                IndexName=LIST_INDEX,
                KeyConditionExpression="PK = :p",
                ExpressionAttributeValues={":p": {"S": _partition(space)}},
                ProjectionExpression="PK, SK",
                Limit=_DELETED_AT_ONCE,
            )
        delete_all(self._client, self._table, answer["Items"])
        return len(answer["Items"])

    def delete_all(self, space: Space) -> None:
        """Remove every value; a trip per 25 keys and per page, which is read from the table with the values in it."""
        delete_partition(self._client, self._table, _partition(space))


def _partition(space: Space) -> str:
    return VALUE_PREFIX + space.namespace_id


def _key(space: Space, key: str) -> Item:
    return {"PK": {"S": _partition(space)}, "SK": {"S": key}}


def _value(key: str, item: Item) -> Value:
    return Value(text=item["v"]["S"] if "v" in item else "", etag=item["e"]["S"], info=_info(key, item))


def _info(key: str, item: Item) -> KeyInfo:
    return KeyInfo(
        key=key,
        size=int(item["s"]["N"]),
        created_at_ms=int(item["c"]["N"]),
        updated_at_ms=int(item["u"]["N"]),
    )
