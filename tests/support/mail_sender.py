"""A process that sends mails like the deployed function, until it is killed: `python -m tests.support.mail_sender`.

Arguments: how long a claim lasts, in milliseconds. Prints "ready" before it takes its first message.
"""

from __future__ import annotations

import os
import sys
from unittest.mock import patch

import boto3

from alerts_service.lambdas import sending
from alerts_service.persistence import mails
from alerts_service.settings import SenderSettings
from kv_common.events.batch import process_messages


def main(lease_ms: int) -> None:
    patch.object(mails, "LEASE_MS", lease_ms).start()
    settings = SenderSettings.from_env(os.environ)
    send, sqs = sending(settings), boto3.client("sqs")
    print("ready", flush=True)
    while True:
        taken = sqs.receive_message(
            QueueUrl=settings.queue_url, WaitTimeSeconds=1, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        ).get("Messages", [])
        for message in taken:
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            response = process_messages({"Records": [record]}, send, log=lambda _: None)
            if not response["batchItemFailures"]:
                sqs.delete_message(QueueUrl=settings.queue_url, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main(int(sys.argv[1]))
