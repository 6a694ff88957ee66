"""Answers to requests that shall happen once, in DynamoDB: each in the transaction of what it answers.

PK I#<namespace id>   SK what the request is known by   h fingerprint, r the answer (deflated JSON), ttl
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from kv_service.values.once import KEPT_S, Answer, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from kv_service.domain import Space
    from kv_service.values.once import Once

    Item = dict[str, AttributeValueTypeDef]

RECORD_PREFIX = "I#"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Answer)


def record_partition(space: Space) -> str:
    """Return the partition of a namespace's records."""
    return RECORD_PREFIX + space.namespace_id


def record_key(space: Space, once: Once) -> Item:
    """Return the key of a request's record."""
    return {"PK": {"S": record_partition(space)}, "SK": {"S": once.id}}


def record_put(table: str, space: Space, once: Once, answer: Answer, *, now_ms: int) -> TransactWriteItemTypeDef:
    """Return the part of a transaction that keeps the answer to a request."""
    return {
        "Put": {
            "TableName": table,
            "Item": {
                **record_key(space, once),
                "h": {"S": once.fingerprint},
                "r": {"B": zlib.compress(_encoder.encode(answer))},
                "ttl": {"N": str(now_ms // 1000 + KEPT_S)},
            },
            # Holds once in a day: whoever comes second finds the first one's answer.
            "ConditionExpression": "attribute_not_exists(PK) OR #ttl <= :now",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":now": {"N": str(now_ms // 1000)}},
        }
    }


def read_record(item: Mapping[str, AttributeValueTypeDef], *, now_ms: int) -> Record | None:
    """Return the record in an item, None when its day is over."""
    if int(item["ttl"]["N"]) <= now_ms // 1000:
        return None
    return Record(item["h"]["S"], _decoder.decode(zlib.decompress(item["r"]["B"])))
