"""Reports from DynamoDB: days and namespaces of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.account_tombstones import account_key
from kv_common.dynamodb import translate_errors
from usage_service.domain.reports import NamespaceUse
from usage_service.persistence.codec import DAY, NAMESPACE, STORED_BYTES, STORED_KEYS, day_of, number, served_of

if TYPE_CHECKING:
    from datetime import date

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.items import Item
    from usage_service.domain.reports import ByDay

# The characters after "#": ends of ranges that have everything below a prefix in them.
_BEHIND = "$"


class ReportStore:
    """Reads what an account has used, strongly consistent; a round trip per megabyte, may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def days(self, account_id: str, first: date, last: date) -> ByDay:
        """Return what was served on each day from `first` to `last`, by namespace id."""
        items = self._range(account_id, f"{DAY}{first.isoformat()}#", f"{DAY}{last.isoformat()}{_BEHIND}")
        return {day_of(item): served_of(item) for item in items}

    def namespaces(self, account_id: str) -> tuple[NamespaceUse, ...]:
        """Return every namespace that the account has ever had."""
        return tuple(
            NamespaceUse(
                item["SK"]["S"].removeprefix(NAMESPACE),
                item["name"]["S"] if "name" in item else None,
                number(item, STORED_BYTES),
                number(item, STORED_KEYS),
            )
            for item in self._range(account_id, NAMESPACE, NAMESPACE.replace("#", _BEHIND))
        )

    def _range(self, account_id: str, start: str, end: str) -> list[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :p AND SK BETWEEN :start AND :end",
            ExpressionAttributeValues={
                ":p": {"S": account_key(account_id)},
                ":start": {"S": start},
                ":end": {"S": end},
            },
            ConsistentRead=True,
        )
        with translate_errors():
            return [item for page in pages for item in page["Items"]]
