"""A secret that all processes of a service share, stored in its table: see docs/adr/0004."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from kv_common.dynamodb import ConditionFailed, translate_errors
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class SharedSecret:
    """32 random bytes under a name; created on first use, then cached per process."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        name: str,
        *,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._client = client
        self._table = table
        self._key: dict[str, AttributeValueTypeDef] = {"PK": {"S": "SERVICE"}, "SK": {"S": name}}
        self._random_bytes = random_bytes
        self._known: bytes | None = None

    def get(self) -> bytes:
        """Return the secret; Unavailable if the table does not respond."""
        if self._known is None:
            self._known = self._read() or self._make()
        return self._known

    def _make(self) -> bytes:
        candidate = self._random_bytes(32)
        try:
            with translate_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item={**self._key, "secret": {"B": candidate}},
                    # True for one process only: with two secrets, each process would reject the other's signatures.
                    ConditionExpression="attribute_not_exists(PK)",
                )
        except ConditionFailed as failure:
            others = self._read()
            if others is None:
                raise Unavailable from failure
            return others
        return candidate

    def _read(self) -> bytes | None:
        with translate_errors():
            response = self._client.get_item(TableName=self._table, Key=self._key, ConsistentRead=True)
        return bytes(response["Item"]["secret"]["B"]) if "Item" in response else None
