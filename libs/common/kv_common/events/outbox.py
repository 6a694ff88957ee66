"""The outbox: an event is written in the transaction that makes it true, and the table's stream publishes it.

Sending to the bus beside a write would lose the event whenever the process dies between the two.

    PK             SK      name, detail (the envelope's JSON text), ttl
    OUTBOX#<id>    EVENT
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.events.envelope import Event

PREFIX = "OUTBOX#"
KEPT_S = 7 * 86_400
"""How long an event stays in the table, for whoever has to look what was told; the stream itself keeps a day."""


def outbox_put(table: str, event: Event) -> TransactWriteItemTypeDef:
    """Return the part of a transaction that tells `event`."""
    return {
        "Put": {
            "TableName": table,
            "Item": {
                "PK": {"S": PREFIX + event.id},
                "SK": {"S": "EVENT"},
                "name": {"S": event.name},
                "detail": {"S": event.encode()},
                "ttl": {"N": str(event.occurred_at_us // 1_000_000 + KEPT_S)},
            },
        }
    }
