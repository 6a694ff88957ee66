"""Redrive: messages go back from a dead-letter queue to the queue they were taken from.

It receives, sends and deletes, in that order, so a message is never lost; when it is ended in between, some stand in
both queues. That is harmless: effects are once, whatever is delivered twice. SQS has a call for this
(StartMessageMoveTask) which the local emulator lacks; this way is the same for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.operations.queues.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_SUFFIX = "-dlq"
_BATCH = 10


def redrive(sqs: SQSClient, stage: str, queue: str, say: Callable[[str], None] = print) -> int:
    """Move what now stands in a stage's dead-letter queue back to `queue`; return how many messages that were.

    Those that come back meanwhile stay: each message gets one more round, and none goes in circles.
    """
    name = f"kv-{stage}-{queue.removesuffix(_SUFFIX)}"
    target, dead = _url(sqs, stage, name), _url(sqs, stage, name + _SUFFIX)
    waiting = _count(sqs, dead)
    say(f"{name}{_SUFFIX}: {waiting} messages")
    moved = 0
    while moved < waiting:
        answer = sqs.receive_message(
            QueueUrl=dead,
            MaxNumberOfMessages=min(_BATCH, waiting - moved),
            VisibilityTimeout=60,
            WaitTimeSeconds=1,
        )
        messages = answer.get("Messages", [])
        if not messages:
            break
        _move(sqs, messages, dead, target)
        moved += len(messages)
        say(f"{name}: {moved} of {waiting} back")
    return moved


def _move(sqs: SQSClient, messages: list[MessageTypeDef], dead: str, target: str) -> None:
    entries = [{"Id": str(index), "MessageBody": message["Body"]} for index, message in enumerate(messages)]
    sent = sqs.send_message_batch(QueueUrl=target, Entries=entries)  # type: ignore[arg-type]  # two plain strings each
    taken = [messages[int(one["Id"])] for one in sent.get("Successful", [])]
    if taken:
        receipts = [{"Id": str(index), "ReceiptHandle": one["ReceiptHandle"]} for index, one in enumerate(taken)]
        sqs.delete_message_batch(QueueUrl=dead, Entries=receipts)  # type: ignore[arg-type]  # likewise
    if sent.get("Failed"):
        for failure in sent["Failed"]:
            receipt = messages[int(failure["Id"])]["ReceiptHandle"]
            sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=receipt, VisibilityTimeout=0)
        reasons = ", ".join(sorted({failure["Code"] for failure in sent["Failed"]}))
        raise QueueError(f"{len(sent['Failed'])} messages were not taken ({reasons}); they stay where they were.")


def _url(sqs: SQSClient, stage: str, name: str) -> str:
    try:
        return sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist as error:
        prefix = f"kv-{stage}-"
        known = [url.rsplit("/", 1)[1] for url in sqs.list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])]
        queues = sorted(one.removeprefix(prefix) for one in known if f"{one}{_SUFFIX}" in known)
        raise QueueError(f"There is no queue {name}. Say QUEUE=…, one of: {', '.join(queues) or 'none'}.") from error


def _count(sqs: SQSClient, url: str) -> int:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])
