"""Values by the hundred and the thousand, as exports read and imports write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.dynamodb import translate_errors
from kv_common.errors import Unavailable
from kv_service.persistence import value_codec
from kv_service.persistence.conditions import LIVE, TTL_NAME
from kv_service.persistence.values import ALL_BUT_TEXT, value_key, value_partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef, TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from kv_service.namespaces.model import NamespaceRef
    from kv_service.values.model import Version


class BulkStore:
    """Many values of a `NamespaceRef`; may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def scan(self, space: NamespaceRef, *, after: str | None, now_ms: int) -> Iterator[Version]:
        """Read every version in the order of keys, after the key `after`, in a round trip per page of a megabyte.

        Each is as it was when its page was read, strongly consistent. What had expired by `now_ms` does not travel:
        there may be gigabytes of it, for days.
        """
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "PK = :p",
            "FilterExpression": LIVE,
            "ExpressionAttributeNames": TTL_NAME,
            "ExpressionAttributeValues": {":p": {"S": value_partition(space)}, ":now": {"N": str(now_ms // 1000)}},
            "ConsistentRead": True,
        }
        if after is not None:
            query["ExclusiveStartKey"] = value_key(space, after)
        while True:
            with translate_errors():
                answer = self._client.query(**query)
            for item in answer["Items"]:
                yield value_codec.decode(item["SK"]["S"], item)
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def metadata_of(self, space: NamespaceRef, keys: Sequence[str]) -> list[Version]:
        """Return the versions under up to a hundred keys, without their texts; nothing for a key that is not there.

        What has expired is found until the table has removed it. Several round trips where the table does not answer
        for all at once.
        """
        left: list[Item] = [value_key(space, key) for key in keys]
        found: list[Version] = []
        while left:
            with translate_errors():
                answer = self._client.batch_get_item(
                    RequestItems={
                        self._table: {
                            "Keys": left,
                            "ConsistentRead": True,
                            "ProjectionExpression": f"SK, {ALL_BUT_TEXT}",
                            "ExpressionAttributeNames": TTL_NAME,
                        }
                    }
                )
            some = answer["Responses"].get(self._table, [])
            found += [value_codec.decode(item["SK"]["S"], item) for item in some]
            unprocessed = answer["UnprocessedKeys"].get(self._table)
            left = list(unprocessed["Keys"]) if unprocessed else []
            if left and not some:
                raise Unavailable
        return found

    def write_of(self, space: NamespaceRef, version: Version) -> TransactWriteItemTypeDef:
        """Return the part of a transaction that keeps `version` in place of whatever there is."""
        return {
            "Put": {"TableName": self._table, "Item": {**value_key(space, version.key), **value_codec.encode(version)}}
        }
