"""From the table's stream to the mail queue: every mail that has become `pending`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alerts_service.model import MailStatus
from alerts_service.persistence.alerts import PREFIX
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

_AFTER_BOUNCE_S = 900
"""A mailbox that is full or a server that is down needs time; SQS delays by no more."""


@dataclass(frozen=True, slots=True)
class Due:
    """A mail that is to be sent, as the stream tells of it."""

    sequence_number: str
    account_id: str
    alert_id: str
    correlation_id: str
    bounced: bool

    @property
    def job(self) -> dict[str, str]:
        """What the sender is told."""
        return {"account_id": self.account_id, "alert_id": self.alert_id, "correlation_id": self.correlation_id}


class MailQueue:
    """Puts mails into their queue."""

    def __init__(
        self, client: SQSClient, queue_url: str, *, log: Callable[[dict[str, object]], None] = logs.write
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._log = log

    def put(self, records: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
        """Put what has become due into the queue; return Lambda's partial batch response.

        The shard goes on with the first record that the queue did not take. What comes twice is sent once: a sender
        claims it.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        for due in _due(records):
            line: dict[str, object] = {**due.job}
            try:
                self._send(due)
            except (BotoCoreError, ClientError) as error:
                self._log({**line, "level": "ERROR", "message": "not queued", "exception": type(error).__name__})
                return {"batchItemFailures": [{"itemIdentifier": due.sequence_number}]}
            self._log({**line, "message": "queued"})
        return {"batchItemFailures": []}

    def _send(self, due: Due) -> None:
        self._client.send_message(
            QueueUrl=self._queue_url,
            MessageBody=json.dumps(due.job),
            DelaySeconds=_AFTER_BOUNCE_S if due.bounced else 0,
        )


def _due(records: Sequence[Mapping[str, Any]]) -> Iterator[Due]:
    for record in records:
        change = record["dynamodb"]
        new, old = change.get("NewImage", {}), change.get("OldImage", {})
        key = change["Keys"]
        if not key["SK"]["S"].startswith(PREFIX) or new.get("mail") != {"S": MailStatus.PENDING}:
            continue
        if old.get("mail") == new["mail"]:
            continue  # something else of the alert has changed, such as that it was read
        yield Due(
            change["SequenceNumber"],
            key["PK"]["S"].removeprefix("ACCOUNT#"),
            key["SK"]["S"].removeprefix(PREFIX),
            new["correlationId"]["S"],
            "bounces" in new,
        )
