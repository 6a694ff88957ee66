"""Queues mails that have become `pending`, from the table's stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alerts_service.model import MailStatus
from alerts_service.persistence.alerts import PREFIX
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
    from mypy_boto3_sqs import SQSClient

    from kv_common.events.batch import BatchResponse

_AFTER_BOUNCE_S = 900
"""Time for a full mailbox or a server that is down to recover; SQS's maximum."""


@dataclass(frozen=True, slots=True)
class Due:
    """A mail that is to be sent."""

    account_id: str
    alert_id: str
    correlation_id: str
    bounced: bool

    @property
    def job(self) -> dict[str, str]:
        """The message for the sender."""
        return {"account_id": self.account_id, "alert_id": self.alert_id, "correlation_id": self.correlation_id}


class MailQueue:
    """The queue of mails that are to be sent."""

    def __init__(
        self, client: SQSClient, queue_url: str, *, log: Callable[[dict[str, object]], None] = logs.write
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._log = log

    def put(self, records: Sequence[Mapping[str, Any]]) -> BatchResponse:
        """Queue the mails that have become due; return Lambda's partial batch response.

        A mail that is queued twice is sent once: a sender claims it.
        """
        from kv_common.events.batch import process_records

        return process_records(records, self._put)

    def _put(self, record: DynamoDBRecord) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        due = _due(record)
        if due is None:
            return
        try:
            self._send(due)
        except (BotoCoreError, ClientError) as error:
            self._log({**due.job, "level": "ERROR", "message": "not queued", "exception": type(error).__name__})
            raise
        self._log({**due.job, "message": "queued"})

    def _send(self, due: Due) -> None:
        self._client.send_message(
            QueueUrl=self._queue_url,
            MessageBody=json.dumps(due.job),
            DelaySeconds=_AFTER_BOUNCE_S if due.bounced else 0,
        )


def _due(record: DynamoDBRecord) -> Due | None:
    """Return the mail that has become due by a change of the table, if any."""
    change = record.dynamodb
    if change is None or not change.keys["SK"].startswith(PREFIX):
        return None
    new, old = change.new_image, change.old_image
    if new.get("mail") != MailStatus.PENDING or old.get("mail") == MailStatus.PENDING:
        return None
    return Due(
        change.keys["PK"].removeprefix("ACCOUNT#"),
        change.keys["SK"].removeprefix(PREFIX),
        new["correlationId"],
        "bounces" in new,
    )
