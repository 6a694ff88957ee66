"""Alerts in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts_service.model import ALERT_KEPT_S, Alert, Kind, MailStatus, Page, no_such_alert
from kv_common.account_tombstones import account_key, purge
from kv_common.dynamodb import ConditionFailed, ping_table, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef, TransactWriteItemTypeDef

    from kv_common.dynamodb.items import Item
    from kv_common.events import Event
    from kv_common.events.processed_events import ProcessedEvents

PREFIX = "ALERT#"


class AlertStore:
    """The alerts of an account; every method is one round trip unless it says otherwise, and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, processed: ProcessedEvents) -> None:
        self._client = client
        self._table = table
        self._processed = processed

    def check(self) -> None:
        """Return if the table answers."""
        ping_table(self._client, self._table)

    def add(self, event: Event, alert: Alert | None, *, address: str | None = None) -> None:
        """Store the effects of `event`, once: the alert, if any, and the account's address, if it is known now."""
        effects: list[TransactWriteItemTypeDef] = []
        if alert is not None:
            effects.append({"Put": {"TableName": self._table, "Item": _item(event, alert)}})
        if address is not None:
            item = {**address_key(event.account_id), "email": {"S": address}}
            effects.append({"Put": {"TableName": self._table, "Item": item}})
        self._processed.apply(event, effects)

    def page(self, account_id: str, *, limit: int, after: str | None, unread: bool) -> Page:
        """Return up to `limit` alerts, newest first, that come after the id `after`.

        With `unread` a page may hold fewer, or none, and not be the last: DynamoDB reads so much at a time.
        """
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "PK = :p AND begins_with(SK, :a)",
            "ExpressionAttributeValues": {":p": {"S": account_key(account_id)}, ":a": {"S": PREFIX}},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        if after is not None:
            query["ExclusiveStartKey"] = alert_key(account_id, after)
        if unread:
            query["FilterExpression"] = "attribute_not_exists(readAt)"
        else:
            query["Limit"] = limit + 1
        with translate_errors():
            answer = self._client.query(**query)
        alerts = tuple(_alert(item) for item in answer["Items"])
        if len(alerts) > limit:
            return Page(alerts[:limit], alerts[limit - 1].id)
        last = answer.get("LastEvaluatedKey")
        return Page(alerts, last["SK"]["S"].removeprefix(PREFIX) if last else None)

    def mark_read(self, account_id: str, alert_id: str, *, now_ms: int) -> None:
        """Mark the alert as read, the first time counts; NotFound when the account has none of this id."""
        try:
            with translate_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=alert_key(account_id, alert_id),
                    UpdateExpression="SET readAt = if_not_exists(readAt, :now)",
                    # Holds for an alert that the account has.
                    ConditionExpression="attribute_exists(PK)",
                    ExpressionAttributeValues={":now": {"N": str(now_ms)}},
                )
        except ConditionFailed as failure:
            raise no_such_alert() from failure

    def forget(self, account_id: str, *, now_ms: int) -> None:
        """Remove all there is of an account, in as many round trips as it takes, and let nothing of it come again."""
        purge(self._client, self._table, account_id, now_s=now_ms / 1000)


def alert_key(account_id: str, alert_id: str) -> Item:
    """Return the key of an account's alert."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": PREFIX + alert_id}}


def address_key(account_id: str) -> Item:
    """Return the key of an account's address."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": "ADDRESS"}}


def _item(event: Event, alert: Alert) -> Item:
    return {
        **alert_key(event.account_id, alert.id),
        "kind": {"S": alert.kind},
        "title": {"S": alert.title},
        "message": {"S": alert.message},
        "data": {"S": alert.data},
        "createdAt": {"N": str(alert.created_at_ms)},
        "correlationId": {"S": event.correlation_id},
        "mail": {"S": alert.mail},
        "attempts": {"N": "0"},
        "ttl": {"N": str(alert.created_at_ms // 1000 + ALERT_KEPT_S)},
    }


def _alert(item: Item) -> Alert:
    return Alert(
        id=item["SK"]["S"].removeprefix(PREFIX),
        kind=Kind(item["kind"]["S"]),
        title=item["title"]["S"],
        message=item["message"]["S"],
        data=item["data"]["S"],
        created_at_ms=int(item["createdAt"]["N"]),
        mail=MailStatus(item["mail"]["S"]),
        read_at_ms=int(item["readAt"]["N"]) if "readAt" in item else None,
    )
