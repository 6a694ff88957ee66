"""Values in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.dynamodb import delete_partition, errors_translated
from kv_service.domain import KeyInfo, KeyRange, NewValue, Space, Value

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef

    Item = dict[str, AttributeValueTypeDef]

LIST_INDEX = "list"


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
        """Store a value; return when the one it replaces was created (ms), None if it is new."""
        with errors_translated():
            answer = self._client.update_item(
                TableName=self._table,
                Key=_key(space, new.key),
                UpdateExpression="SET v = :v, s = :s, u = :u, e = :e, c = if_not_exists(c, :u)",
                ExpressionAttributeValues={
                    ":v": {"S": new.text},
                    ":s": {"N": str(len(new.text.encode()))},
                    ":u": {"N": str(now_ms)},
                    ":e": {"S": etag},
                },
                # Only the old state tells a replacement from a creation when two writers race.
                ReturnValues="UPDATED_OLD",
            )
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

    def count(self, space: Space, *, up_to: int) -> int:
        """Return how many keys there are, counting no further than `up_to`; reads the index."""
        with errors_translated():
            answer = self._client.query(
                TableName=self._table,
                IndexName=LIST_INDEX,
                KeyConditionExpression="PK = :p",
                ExpressionAttributeValues={":p": {"S": _partition(space)}},
                Select="COUNT",
                Limit=up_to,
            )
        return answer["Count"]

    def delete_all(self, space: Space) -> None:
        """Remove every value; a trip per 25 keys and per page. It reads the table, which the index may lag behind."""
        delete_partition(self._client, self._table, _partition(space))


def _partition(space: Space) -> str:
    return f"V#{space.namespace_id}"


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
