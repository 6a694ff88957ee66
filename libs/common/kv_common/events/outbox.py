"""The outbox: an event is written in the transaction of the change that it reports; the table's stream publishes it.

Sending to the bus beside a write would lose the event if the process died between the two.

    PK                   SK             name, detail (the envelope as JSON), ttl
    ACCOUNT#<account>    OUTBOX#<id>

Events are stored in their account's partition, so deleting the account deletes them, without further writes or an
index. They are published nevertheless: the stream contains every item that was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.account_tombstones import ACCOUNT_PREFIX, account_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from kv_common.events.envelope import Event

_PREFIX = "OUTBOX#"
KEPT_S = 7 * 86_400
"""How long an event stays in the table for operators; the stream itself keeps records for a day."""


def outbox_put(table: str, event: Event) -> TransactWriteItemTypeDef:
    """Return the part of a transaction that publishes `event`."""
    return {"Put": {"TableName": table, "Item": outbox_item(event)}}


def outbox_item(event: Event) -> dict[str, AttributeValueTypeDef]:
    """Return the item that publishes `event`, for a put without a transaction."""
    return {
        "PK": {"S": account_key(event.account_id)},
        "SK": {"S": _PREFIX + event.id},
        "name": {"S": event.name},
        "detail": {"S": event.encode()},
        "ttl": {"N": str(event.occurred_at_us // 1_000_000 + KEPT_S)},
    }


def id_in_outbox(key: Mapping[str, str]) -> str | None:
    """Return the id of the event that the item with this key contains; None for an item that is not an event.

    In other partitions than an account's own, the sort key may be a customer's choice.
    """
    partition, sort_key = key["PK"], key["SK"]
    if not partition.startswith(ACCOUNT_PREFIX) or not sort_key.startswith(_PREFIX):
        return None
    return sort_key.removeprefix(_PREFIX)
