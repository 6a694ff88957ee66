"""The outbox of usage, and the month's usage as last reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.account_tombstones import account_key
from kv_common.dynamodb import put_all
from kv_common.events.outbox import outbox_item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event

USED_PREFIX = "USED#"
_USED_KEPT_S = 70 * 86_400


class UsageOutbox:
    """Writes reports, 25 items per round trip; may raise Unavailable when only a part has been written."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, events: Sequence[Event], used: Mapping[str, Mapping[str, int]], *, now_s: int) -> None:
        """Put events into the outbox, and requests used by account and month where quotas go on from.

        Nothing here depends on the other: events carry cumulative counts, and a month's use that is a little behind
        only lets so many requests more pass after Redis was lost.
        """
        items = [outbox_item(event) for event in events]
        items += [
            {
                **used_key(account_id, month),
                "used": {"N": str(requests)},
                "ttl": {"N": str(now_s + _USED_KEPT_S)},
            }
            for account_id, months in used.items()
            for month, requests in months.items()
        ]
        put_all(self._client, self._table, items)


def used_key(account_id: str, month: str) -> Item:
    """Return the key of what an account has used in a month."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": USED_PREFIX + month}}
