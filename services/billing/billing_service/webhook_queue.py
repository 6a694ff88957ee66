"""The queue of verified webhooks, and its dead-letter queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

MAX_BYTES = 256_000
"""Maximum size of a message, less space for its attributes."""


class WebhookQueue:
    """Sends webhooks to the queues; each method raises Unavailable if that fails."""

    def __init__(self, client: SQSClient, queue_url: str, dead_letters_url: str = "") -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_letters_url = dead_letters_url

    def put(self, body: str, correlation_id: str) -> None:
        """Queue a webhook for processing."""
        self._send(self._queue_url, body, "correlation_id", correlation_id)

    def dead_letter(self, body: str, reason: str) -> None:
        """Dead-letter a rejected webhook for an operator; retrying would not help."""
        self._send(self._dead_letters_url, body, "reason", reason)

    def _send(self, queue_url: str, body: str, name: str, value: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        attributes: dict[str, MessageAttributeValueTypeDef] = {name: {"DataType": "String", "StringValue": value}}
        try:
            self._client.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error
