"""What belongs to the service itself: whether its table answers, and the signing keys that auth leaves for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kv_common.dynamodb import ping_table, translate_errors
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.auth.jwks import JwkSet
    from kv_common.dynamodb.items import Item

_SIGNING_KEYS: Item = {"PK": {"S": "SIGNING_KEYS"}}


class ServiceStore:
    """Items that belong to no account."""

    def __init__(self, client: DynamoDBClient, table: str, credentials_table: str) -> None:
        self._client = client
        self._table = table
        self._credentials_table = credentials_table

    def signing_keys(self) -> JwkSet:
        """Return the user pool's key set as auth last stored it; JwksUnavailable when it has not.

        The pool's own URL is out of reach from inside a VPC without a NAT gateway, which kv's functions run in.
        """
        # PyJWT comes along: only a request with a token needs it.
        from kv_common.auth.jwks import JwksUnavailable

        try:
            with translate_errors():
                answer = self._client.get_item(TableName=self._credentials_table, Key=_SIGNING_KEYS)
        except Unavailable as error:
            raise JwksUnavailable("the credentials table does not answer") from error
        if "Item" not in answer:
            raise JwksUnavailable("auth has stored no signing keys yet")
        document: JwkSet = json.loads(answer["Item"]["document"]["S"])
        return document

    def check(self) -> None:
        """Return if the table answers."""
        ping_table(self._client, self._table)
