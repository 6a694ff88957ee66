"""Responses of idempotent requests in DynamoDB, each written in the transaction of its effects.

PK I#<namespace id>   SK what the request is known by   h fingerprint, r the answer (deflated JSON), or in its place
                                                        o the name of the object that holds it, ttl
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import msgspec

from kv_common.errors import Unavailable
from kv_service.values.idempotency import KEPT_S, RecordedAnswer, StoredResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from kv_service.namespaces.model import NamespaceRef
    from kv_service.persistence.s3_objects import ObjectStore
    from kv_service.values.idempotency import IdempotencyKey

RECORD_PREFIX = "I#"

_MAX_INLINE_BYTES = 300_000
_MAX_TRIED_BYTES = 1_000_000  # to deflate more takes too long for some

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(RecordedAnswer)


def record_partition(space: NamespaceRef) -> str:
    """Return the partition of a namespace's records."""
    return RECORD_PREFIX + space.namespace_id


def record_key(space: NamespaceRef, once: IdempotencyKey) -> Item:
    """Return the key of a request's record."""
    return {"PK": {"S": record_partition(space)}, "SK": {"S": once.id}}


class Records:
    """Answers in items, and those too large for one in objects."""

    def __init__(self, table: str, objects: ObjectStore) -> None:
        self._table = table
        self._objects = objects

    def put(
        self, space: NamespaceRef, once: IdempotencyKey, answer: RecordedAnswer, *, now_ms: int
    ) -> TransactWriteItemTypeDef:
        """Return the part of a transaction that keeps the answer to a request; one round trip for a large answer."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    **record_key(space, once),
                    "h": {"S": once.fingerprint},
                    **self._kept(space, _encoder.encode(answer)),
                    "ttl": {"N": str(now_ms // 1000 + KEPT_S)},
                },
                # Holds once a day: a second request finds the response of the first.
                "ConditionExpression": "attribute_not_exists(PK) OR #ttl <= :now",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":now": {"N": str(now_ms // 1000)}},
            }
        }

    def read(
        self, space: NamespaceRef, item: Mapping[str, AttributeValueTypeDef], *, now_ms: int
    ) -> StoredResponse | None:
        """Return the record in an item, None when its day is over; one round trip for a large answer."""
        if int(item["ttl"]["N"]) <= now_ms // 1000:
            return None
        if "r" in item:
            text = zlib.decompress(item["r"]["B"])
        else:
            kept = self._objects.get_answer(space.namespace_id, item["o"]["S"])
            if kept is None:
                raise Unavailable
            text = kept
        return StoredResponse(item["h"]["S"], _decoder.decode(text))

    def _kept(self, space: NamespaceRef, text: bytes) -> Item:
        packed = zlib.compress(text) if len(text) <= _MAX_TRIED_BYTES else text
        if len(packed) <= _MAX_INLINE_BYTES:
            return {"r": {"B": packed}}
        # By its contents, so that of two who race neither changes the answer that the other has kept.
        name = hashlib.sha256(text).hexdigest()
        self._objects.put_answer(space.namespace_id, name, text)
        return {"o": {"S": name}}
