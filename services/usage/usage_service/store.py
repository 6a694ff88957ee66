"""The only DynamoDB code of usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.dynamodb import errors_translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class UsageStore:
    """What usage keeps."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def check(self) -> None:
        """Return if the table answers."""
        with errors_translated():
            self._client.get_item(TableName=self._table, Key={"PK": {"S": "SERVICE"}, "SK": {"S": "HEALTH"}})
