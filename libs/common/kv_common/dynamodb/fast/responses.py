"""DynamoDB's answers as its clients return them: what has a type here is decoded, bytes included, by msgspec in C."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec


class AttributeValue(TypedDict, total=False):
    """A value by its type; exactly one member is there."""

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


class OneTable(TypedDict, total=False):
    """What reads and writes of one table answer."""

    Item: Item
    Attributes: Item
    Items: list[Item]
    Count: int
    ScannedCount: int
    LastEvaluatedKey: Item
    ConsumedCapacity: Capacity


class Keys(TypedDict, total=False):
    """What a batch has not read of a table."""

    Keys: list[Item]
    ConsistentRead: bool
    ProjectionExpression: str
    ExpressionAttributeNames: dict[str, str]


class BatchGot(TypedDict, total=False):
    """What a batch of reads answers."""

    Responses: dict[str, list[Item]]
    UnprocessedKeys: dict[str, Keys]
    ConsumedCapacity: list[Capacity]


class Put(TypedDict):
    """An item that a batch has not written."""

    Item: Item


class Delete(TypedDict):
    """An item that a batch has not removed."""

    Key: Item


class Write(TypedDict, total=False):
    """What a batch has not done: one of the two."""

    PutRequest: Put
    DeleteRequest: Delete


class BatchWritten(TypedDict, total=False):
    """What a batch of writes answers."""

    UnprocessedItems: dict[str, list[Write]]
    ConsumedCapacity: list[Capacity]


class Found(TypedDict, total=False):
    """One read of a transaction; it holds nothing where there was no item."""

    Item: Item


class Transacted(TypedDict, total=False):
    """What transactions answer."""

    Responses: list[Found]
    ConsumedCapacity: list[Capacity]


class Reason(TypedDict, total=False):
    """Why one item cancelled a transaction, or that it did not."""

    Code: str
    Message: str
    Item: Item


#: What DynamoDB answers instead. Names of this form stand in no class's body.
Refusal = TypedDict(
    "Refusal",
    {"__type": str, "message": str, "Message": str, "Item": Item, "CancellationReasons": list[Reason]},
    total=False,
)

refusals = msgspec.json.Decoder(Refusal)

_one_table = msgspec.json.Decoder(OneTable)
_transacted = msgspec.json.Decoder(Transacted)

DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "GetItem": _one_table,
    "PutItem": _one_table,
    "UpdateItem": _one_table,
    "DeleteItem": _one_table,
    "Query": _one_table,
    "BatchGetItem": msgspec.json.Decoder(BatchGot),
    "BatchWriteItem": msgspec.json.Decoder(BatchWritten),
    "TransactGetItems": _transacted,
    "TransactWriteItems": _transacted,
}
"""By operation."""
