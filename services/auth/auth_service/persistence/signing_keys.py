"""The user pool's public keys, as kv reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.dynamodb import translate_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SIGNING_KEYS = "SIGNING_KEYS"


class SigningKeyStore:
    """Where kv, inside its VPC, finds the user pool's public keys."""

    def __init__(self, client: DynamoDBClient, credentials_table: str) -> None:
        self._client = client
        self._credentials_table = credentials_table

    def put(self, document: str) -> None:
        """Store the key set, as JSON text."""
        with translate_errors():
            self._client.put_item(
                TableName=self._credentials_table,
                Item={"PK": {"S": _SIGNING_KEYS}, "document": {"S": document}},
            )
