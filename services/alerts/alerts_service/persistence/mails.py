"""The mails of alerts in DynamoDB: claimed by one sender at a time, and marked with what became of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerts_service.model import LEASE_MS, Kind, MailStatus, Preferences
from alerts_service.persistence.alerts import PREFIX, address_key, alert_key
from alerts_service.persistence.preferences import preferences_key, read_preferences
from kv_common.account_tombstones import require_open
from kv_common.dynamodb import ConditionFailed, transact, translate_errors
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.items import Item


class StaleMail(Exception):
    """The mail is not as it was read: another sender has it, it is settled, or its account is deleted."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail to be sent: its alert, where to, whether it is wanted, and how far it has come."""

    account_id: str
    alert_id: str
    kind: Kind
    data: str
    created_at_ms: int
    status: MailStatus
    attempts: int
    bounces: int
    lease_until_ms: int
    message_id: str | None
    address: str | None
    preferences: Preferences


class MailStore:
    """Mails; every method is one round trip and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, account_id: str, alert_id: str) -> Outgoing | None:
        """Return the mail, strongly consistent; None when its alert is gone."""
        keys = [alert_key(account_id, alert_id), address_key(account_id), preferences_key(account_id)]
        with translate_errors():
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
        if answer["UnprocessedKeys"]:
            raise Unavailable
        found = {item["SK"]["S"]: item for item in answer["Responses"][self._table]}
        alert = found.get(PREFIX + alert_id)
        if alert is None:
            return None
        address = found.get("ADDRESS")
        return Outgoing(
            account_id=account_id,
            alert_id=alert_id,
            kind=Kind(alert["kind"]["S"]),
            data=alert["data"]["S"],
            created_at_ms=int(alert["createdAt"]["N"]),
            status=MailStatus(alert["mail"]["S"]),
            attempts=int(alert["attempts"]["N"]),
            bounces=int(alert["bounces"]["N"]) if "bounces" in alert else 0,
            lease_until_ms=int(alert["leaseUntil"]["N"]) if "leaseUntil" in alert else 0,
            message_id=alert["messageId"]["S"] if "messageId" in alert else None,
            address=address["email"]["S"] if address else None,
            preferences=read_preferences(found.get("PREFERENCES")),
        )

    def claim(self, mail: Outgoing, *, now_ms: int) -> Outgoing:
        """Return the mail as this sender's own for LEASE_MS; StaleMail when it is not as it was read."""
        try:
            transact(
                self._client,
                [
                    require_open(self._table, mail.account_id),
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": alert_key(mail.account_id, mail.alert_id),
                            "UpdateExpression": "SET mail = :sending, attempts = :next, leaseUntil = :until",
                            # Holds for one of all who have read the mail in this state.
                            "ConditionExpression": "mail = :status AND attempts = :attempts",
                            "ExpressionAttributeValues": {
                                ":sending": {"S": MailStatus.SENDING},
                                ":next": {"N": str(mail.attempts + 1)},
                                ":until": {"N": str(now_ms + LEASE_MS)},
                                ":status": {"S": mail.status},
                                ":attempts": {"N": str(mail.attempts)},
                            },
                        }
                    },
                ],
            )
        except ConditionFailed as failure:
            raise StaleMail from failure
        return replace(mail, status=MailStatus.SENDING, attempts=mail.attempts + 1)

    def sent(self, claimed: Outgoing, message_id: str) -> None:
        """Record that SES has taken the mail under `message_id`; StaleMail when the claim was lost meanwhile."""
        self._settle(
            claimed, "SET mail = :new, messageId = :id REMOVE mailReason, leaseUntil", MailStatus.SENT, message_id
        )

    def refused(self, claimed: Outgoing, status: MailStatus, reason: str) -> None:
        """Record why the mail was not sent; StaleMail when the claim was lost meanwhile."""
        self._settle(claimed, "SET mail = :new, mailReason = :id REMOVE leaseUntil", status, reason)

    def turned_off(self, mail: Outgoing) -> None:
        """Record that the mail is not wanted any more; StaleMail when it is not as it was read."""
        self._settle(mail, "SET mail = :new, mailReason = :id REMOVE leaseUntil", MailStatus.OFF, "unwanted")

    def returned(self, mail: Outgoing, status: MailStatus, reason: str) -> None:
        """Record that the mail has come back, to be sent anew when `status` is PENDING.

        StaleMail when that is known already, or the mail is not as it was read.
        """
        self._settle(mail, "SET mail = :new, mailReason = :id ADD bounces :one", status, reason)

    def _settle(self, mail: Outgoing, expression: str, status: MailStatus, text: str) -> None:
        values: Item = {
            ":new": {"S": status},
            ":id": {"S": text},
            ":status": {"S": mail.status},
            ":attempts": {"N": str(mail.attempts)},
        }
        if ":one" in expression:
            values[":one"] = {"N": "1"}
        try:
            with translate_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=alert_key(mail.account_id, mail.alert_id),
                    UpdateExpression=expression,
                    # Holds while nobody has claimed or settled the mail since it was read, and its account is there.
                    ConditionExpression="mail = :status AND attempts = :attempts",
                    ExpressionAttributeValues=values,
                )
        except ConditionFailed as failure:
            raise StaleMail from failure
