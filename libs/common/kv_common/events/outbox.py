"""The outbox: an event is written in the transaction that makes it true, and the table's stream publishes it.

Sending to the bus beside a write would lose the event whenever the process dies between the two.

    PK                   SK             name, detail (the envelope's JSON text), ttl
    ACCOUNT#<account>    OUTBOX#<id>

An event stands in its account's partition, so it goes when the account goes, without a write or an index of its own.
Nothing is lost by that, the account's last event included: the stream carries what was written, not where it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kv_common.account_tombstones import ACCOUNT_PREFIX, account_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

    from kv_common.events.envelope import Event

_PREFIX = "OUTBOX#"
KEPT_S = 7 * 86_400
"""How long an event stays in the table, for whoever has to look what was told; the stream itself keeps a day."""


def outbox_put(table: str, event: Event) -> TransactWriteItemTypeDef:
    """Return the part of a transaction that tells `event`."""
    return {"Put": {"TableName": table, "Item": outbox_item(event)}}


def outbox_item(event: Event) -> dict[str, AttributeValueTypeDef]:
    """Return the item that tells `event`; for facts that are true already, and need no transaction."""
    return {
        "PK": {"S": account_key(event.account_id)},
        "SK": {"S": _PREFIX + event.id},
        "name": {"S": event.name},
        "detail": {"S": event.encode()},
        "ttl": {"N": str(event.occurred_at_us // 1_000_000 + KEPT_S)},
    }


def id_in_outbox(item: Mapping[str, Any]) -> str | None:
    """Return the id of the event that an item of the table tells; None for an item that tells none.

    In other partitions than an account's own, what follows the partition key may be a tenant's choice.
    """
    partition, key = item["PK"]["S"], item["SK"]["S"]
    if not partition.startswith(ACCOUNT_PREFIX) or not key.startswith(_PREFIX):
        return None
    return str(key.removeprefix(_PREFIX))
