"""The Lambda functions of alerts besides its routes."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from alerts_service.alert_mapping import KINDS
from alerts_service.container import make_feedback, make_intake, make_sender
from alerts_service.mail import feedback
from alerts_service.mail.mail_queue import MailQueue
from alerts_service.mail.sender import NotSent
from alerts_service.model import retry_delay_s
from alerts_service.settings import SenderSettings
from kv_common.events import AccountDeleted
from kv_common.events.lambdas import STREAM
from kv_common.settings import required

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from chalice.app import DynamoDBEvent, SQSEvent
    from mypy_boto3_sqs import SQSClient

    from alerts_service.mail.sender import Sender
    from kv_common.events.batch import BatchResponse, Handle, Line
    from kv_common.events.consumer import Handler
    from kv_common.events.lambdas import LambdaHandler
    from kv_common.http import Api

SERVICE = "alerts"
_MAIL_QUEUE: Any = {"Fn::GetAtt": ["MailQueue", "Arn"]}
_FEEDBACK_QUEUE: Any = {"Fn::GetAtt": ["FeedbackQueue", "Arn"]}


def handlers() -> dict[str, Handler]:
    """Return the handlers of other services' events."""
    intake = make_intake()
    made: dict[str, Handler] = {contract.event_name(): intake.take for contract in KINDS}
    return {**made, AccountDeleted.event_name(): intake.forget}


def add_queueing(app: Api) -> LambdaHandler:
    """Register the function that queues pending mails; return its handler."""
    queueing = cache(lambda: MailQueue(_sqs(), required(os.environ, "MAIL_QUEUE_URL")))

    @app.on_dynamodb_record(stream_arn=STREAM)
    def queue_mails(event: DynamoDBEvent) -> BatchResponse:
        return queueing().put(event.to_dict()["Records"])

    handler: LambdaHandler = queue_mails
    return handler


def add_sending(app: Api) -> LambdaHandler:
    """Register the function that sends queued mails; return its handler."""
    send = cache(lambda: sending(SenderSettings.from_env(os.environ)))

    # One at a time: if SES hangs, the function's time-out must not affect other mails.
    @app.on_sqs_message(queue_arn=_MAIL_QUEUE, batch_size=1, maximum_concurrency=5)
    def send_mails(event: SQSEvent) -> BatchResponse:
        from kv_common.events.batch import process_messages

        return process_messages(event.to_dict(), send())

    handler: LambdaHandler = send_mails
    return handler


def add_feedback(app: Api) -> LambdaHandler:
    """Register the function that processes bounces and complaints; return its handler."""
    processor = cache(make_feedback)

    @app.on_sqs_message(queue_arn=_FEEDBACK_QUEUE, batch_size=10)
    def on_feedback(event: SQSEvent) -> BatchResponse:
        from kv_common.events.batch import process_messages

        def take(record: SQSRecord, line: Line) -> None:
            outcome = feedback.read(record.body)
            sent = outcome.detail.mail
            line.update(account_id=sent.tags.account[0], alert_id=sent.tags.alert[0], ses_message_id=sent.message_id)
            processor().take(outcome)

        return process_messages(event.to_dict(), take)

    handler: LambdaHandler = on_feedback
    return handler


def sending(settings: SenderSettings) -> Handle:
    """Return the function that sends the mail of one message; a failed one is redelivered after a growing delay."""
    sender, sqs = make_sender(settings), _sqs()

    def send(record: SQSRecord, line: Line) -> None:
        _send(sender, sqs, settings.queue_url, record, line)

    return send


def _send(sender: Sender, sqs: SQSClient, queue_url: str, record: SQSRecord, line: Line) -> None:
    job = record.json_body
    account_id, alert_id = job["account_id"], job["alert_id"]
    # Counts from 1 again after a redrive.
    attempt = int(record.attributes.approximate_receive_count)
    line.update(job, attempt=attempt)
    try:
        line["outcome"] = sender.send(account_id, alert_id, attempt)
    except NotSent:
        sqs.change_message_visibility(
            QueueUrl=queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=retry_delay_s(attempt)
        )
        raise


def _sqs() -> SQSClient:
    import boto3

    return boto3.client("sqs")
