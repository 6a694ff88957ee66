"""From the stream to the mail queue: each mail that has become due, and nothing else."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from alerts_service.mail.mail_queue import MailQueue


def record(
    number: int, *, mail: str = "pending", before: str | None = None, sort_key: str | None = None, **new: Any
) -> dict[str, Any]:
    image = {"mail": {"S": mail}, "correlationId": {"S": "correlation-1"}, **new}
    keys = {"PK": {"S": "ACCOUNT#account-1"}, "SK": {"S": sort_key or f"ALERT#alert_{number}"}}
    change: dict[str, Any] = {"Keys": keys, "SequenceNumber": str(number), "NewImage": {**keys, **image}}
    if before is not None:
        change["OldImage"] = {**keys, "mail": {"S": before}}
    return {"eventName": "INSERT" if before is None else "MODIFY", "dynamodb": change}


class Queue:
    """A queue that refuses one alert's mail."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.sent: list[tuple[dict[str, str], int]] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803
        assert QueueUrl == "https://queue"
        job = json.loads(MessageBody)
        if job["alert_id"] == self.refused:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "SendMessage")
        self.sent.append((job, DelaySeconds))


def put(queue: Queue, *records: dict[str, Any]) -> list[str]:
    client: Any = queue
    response = MailQueue(client, "https://queue", log=lambda _: None).put(records)
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_a_mail_that_has_become_due_is_queued() -> None:
    queue = Queue()

    assert put(queue, record(1), record(2, before="off")) == []

    job = {"account_id": "account-1", "correlation_id": "correlation-1"}
    assert queue.sent == [({**job, "alert_id": "alert_1"}, 0), ({**job, "alert_id": "alert_2"}, 0)]


def test_one_that_came_back_waits_for_a_quarter_of_an_hour() -> None:
    queue = Queue()

    put(queue, record(1, before="sent", bounces={"N": "1"}))

    assert [delay for _, delay in queue.sent] == [900]


def test_nothing_else_is_queued() -> None:
    queue = Queue()
    removed = {"eventName": "REMOVE", "dynamodb": {"Keys": record(1)["dynamodb"]["Keys"], "SequenceNumber": "1"}}

    put(
        queue,
        record(1, before="pending"),
        record(2, mail="sent", before="sending"),
        record(3, mail="off"),
        record(4, sort_key="PREFERENCES"),
        removed,
    )

    assert queue.sent == []


def test_the_shard_goes_on_with_the_one_that_was_not_taken() -> None:
    queue = Queue(refused="alert_2")

    assert put(queue, record(1), record(2), record(3)) == ["2"]
    assert [job["alert_id"] for job, _ in queue.sent] == ["alert_1"]
