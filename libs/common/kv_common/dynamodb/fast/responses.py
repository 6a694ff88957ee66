"""DynamoDB's responses in boto3's form, as types for msgspec, which also decodes base64 to bytes."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec


class AttributeValue(TypedDict, total=False):
    """A value by its type; exactly one field is set."""

    S: str
    N: str
    B: bytes
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    M: dict[str, AttributeValue]
    L: list[AttributeValue]
    NULL: bool
    BOOL: bool


Item = dict[str, AttributeValue]
Capacity = dict[str, Any]


class ItemResponse(TypedDict, total=False):
    """The response to a read or write of one table."""

    Item: Item
    Attributes: Item
    Items: list[Item]
    Count: int
    ScannedCount: int
    LastEvaluatedKey: Item
    ConsumedCapacity: Capacity


class TableKeys(TypedDict, total=False):
    """The unprocessed keys of a table in a batch read."""

    Keys: list[Item]
    ConsistentRead: bool
    ProjectionExpression: str
    ExpressionAttributeNames: dict[str, str]


class BatchGetResponse(TypedDict, total=False):
    """The response to BatchGetItem."""

    Responses: dict[str, list[Item]]
    UnprocessedKeys: dict[str, TableKeys]
    ConsumedCapacity: list[Capacity]


class UnprocessedPut(TypedDict):
    """An unprocessed put."""

    Item: Item


class UnprocessedDelete(TypedDict):
    """An unprocessed deletion."""

    Key: Item


class UnprocessedWrite(TypedDict, total=False):
    """An unprocessed request of a batch write; exactly one field is set."""

    PutRequest: UnprocessedPut
    DeleteRequest: UnprocessedDelete


class BatchWriteResponse(TypedDict, total=False):
    """The response to BatchWriteItem."""

    UnprocessedItems: dict[str, list[UnprocessedWrite]]
    ConsumedCapacity: list[Capacity]


class TransactGetResult(TypedDict, total=False):
    """One read of a transaction; empty if there is no item."""

    Item: Item


class TransactionResponse(TypedDict, total=False):
    """The response to a transaction."""

    Responses: list[TransactGetResult]
    ConsumedCapacity: list[Capacity]


class CancellationReason(TypedDict, total=False):
    """The reason why an action canceled a transaction; Code is the string None for the others."""

    Code: str
    Message: str
    Item: Item


#: An error response. `__type` cannot be a field of a class, where its name would be mangled.
ErrorResponse = TypedDict(
    "ErrorResponse",
    {"__type": str, "message": str, "Message": str, "Item": Item, "CancellationReasons": list[CancellationReason]},
    total=False,
)

ERROR_DECODER = msgspec.json.Decoder(ErrorResponse)

_item_response = msgspec.json.Decoder(ItemResponse)
_transaction_response = msgspec.json.Decoder(TransactionResponse)

DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "GetItem": _item_response,
    "PutItem": _item_response,
    "UpdateItem": _item_response,
    "DeleteItem": _item_response,
    "Query": _item_response,
    "BatchGetItem": msgspec.json.Decoder(BatchGetResponse),
    "BatchWriteItem": msgspec.json.Decoder(BatchWriteResponse),
    "TransactGetItems": _transaction_response,
    "TransactWriteItems": _transaction_response,
}
"""Decoders by operation."""
