"""The keys of usage's table, and counts as items hold them: an attribute per operation, to be added to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from kv_common.account_tombstones import account_key
from kv_common.events import Served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item

DAY = "DAY#"
MONTH = "MONTH#"
NAMESPACE = "NAMESPACE#"

UPDATED_AT = "updatedAt"
EMITTED = "emitted"
STORED_BYTES = "storedBytes"
STORED_KEYS = "storedKeys"

_BYTES_IN = "in"
_OPERATION = "n#"


def standing_key(account_id: str) -> Item:
    """Return the key of what holds for the account now."""
    return _key(account_id, "STANDING")


def minute_key(account_id: str, minute: int, epoch: str) -> Item:
    """Return the key of what of a (minute, epoch) stands in the totals."""
    return _key(account_id, f"MINUTE#{minute:010d}#{epoch}")


def month_key(account_id: str, month: str) -> Item:
    """Return the key of a month's total."""
    return _key(account_id, MONTH + month)


def day_key(account_id: str, day: date, namespace_id: str) -> Item:
    """Return the key of a day's total of one namespace."""
    return _key(account_id, f"{DAY}{day.isoformat()}#{namespace_id}")


def namespace_key(account_id: str, namespace_id: str) -> Item:
    """Return the key of a namespace's name and storage."""
    return _key(account_id, NAMESPACE + namespace_id)


def day_of(item: Item) -> tuple[date, str]:
    """Return the day and the namespace that a day's total is of."""
    day, _, namespace_id = item["SK"]["S"].removeprefix(DAY).partition("#")
    return date.fromisoformat(day), namespace_id


def addends(served: Served) -> dict[str, int]:
    """Return the attributes of an item with counts, and what to add to each."""
    found = {_OPERATION + operation: count for operation, count in served.requests.items() if count}
    if served.bytes_in:
        found[_BYTES_IN] = served.bytes_in
    return found


def served_of(item: Item) -> Served:
    """Return the counts in an item."""
    requests = {
        name.removeprefix(_OPERATION): int(value["N"]) for name, value in item.items() if name.startswith(_OPERATION)
    }
    return Served(requests=requests, bytes_in=number(item, _BYTES_IN))


def number(item: Item, name: str) -> int:
    """Return a number that was added to, 0 before that."""
    return int(item[name]["N"]) if name in item else 0


def addition(
    table: str, key: Item, amounts: Mapping[str, int], assigned: Mapping[str, AttributeValueTypeDef] | None = None
) -> TransactWriteItemTypeDef:
    """Return the part of a transaction that adds to attributes of an item, and sets others; it need not be there."""
    values: Item = {**(assigned or {}), **{name: {"N": str(amount)} for name, amount in amounts.items()}}
    # Names of operations hold a #, and some of ours are words of DynamoDB's.
    marks = {name: str(number) for number, name in enumerate(values)}
    sets = ", ".join(f"#{marks[name]} = :{marks[name]}" for name in assigned or {})
    adds = ", ".join(f"#{marks[name]} :{marks[name]}" for name in amounts)
    return {
        "Update": {
            "TableName": table,
            "Key": key,
            "UpdateExpression": " ".join([*(["SET " + sets] if sets else []), *(["ADD " + adds] if adds else [])]),
            "ExpressionAttributeNames": {f"#{mark}": name for name, mark in marks.items()},
            "ExpressionAttributeValues": {f":{marks[name]}": value for name, value in values.items()},
        }
    }


def _key(account_id: str, sort_key: str) -> Item:
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": sort_key}}
