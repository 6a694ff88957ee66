"""Redrive, on the emulator's queues."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from infra.operations.queues.errors import QueueError
from infra.operations.queues.redrive import redrive

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment


@pytest.fixture
def sqs(local: LocalEnvironment) -> Any:
    return local.aws_client("sqs")


@pytest.fixture
def queue(sqs: Any) -> str:
    """A queue and its dead-letter queue that nobody else reads."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    for suffix in ("", "-dlq"):
        sqs.create_queue(QueueName=f"kv-local-{name}{suffix}", Attributes={"VisibilityTimeout": "0"})
    return name


def url(sqs: Any, queue: str) -> str:
    found: str = sqs.get_queue_url(QueueName=f"kv-local-{queue}")["QueueUrl"]
    return found


def bodies(sqs: Any, queue: str) -> list[str]:
    """Take everything out of a queue."""
    taken: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url(sqs, queue), MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            taken.append(message["Body"])
            sqs.delete_message(QueueUrl=url(sqs, queue), ReceiptHandle=message["ReceiptHandle"])
    return sorted(taken)


def bury(sqs: Any, queue: str, count: int) -> list[str]:
    sent = [f"message {number:03}" for number in range(count)]
    for body in sent:
        sqs.send_message(QueueUrl=url(sqs, f"{queue}-dlq"), MessageBody=body)
    return sent


@pytest.mark.parametrize("count", [0, 1, 10, 37])
def test_every_message_goes_back_once(sqs: Any, queue: str, count: int) -> None:
    sent = bury(sqs, queue, count)
    said: list[str] = []

    assert redrive(sqs, "local", queue, said.append) == count

    assert bodies(sqs, queue) == sent
    assert bodies(sqs, f"{queue}-dlq") == []
    assert said[0].endswith(f"{count} messages")


def test_either_name_of_the_pair_will_do(sqs: Any, queue: str) -> None:
    sent = bury(sqs, queue, 2)

    assert redrive(sqs, "local", f"{queue}-dlq", lambda _: None) == 2

    assert bodies(sqs, queue) == sent


def test_an_unknown_queue_is_named_together_with_those_there_are(sqs: Any) -> None:
    with pytest.raises(QueueError, match=r"no queue kv-local-nothing.*kv-events"):
        redrive(sqs, "local", "nothing", lambda _: None)


class Picky:
    """The emulator's SQS, but for one message that no queue takes."""

    def __init__(self, sqs: Any, refused: str) -> None:
        self._sqs = sqs
        self._refused = refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        good = [entry for entry in Entries if entry["MessageBody"] != self._refused]
        bad = [entry for entry in Entries if entry["MessageBody"] == self._refused]
        response: dict[str, Any] = self._sqs.send_message_batch(QueueUrl=QueueUrl, Entries=good)
        return {**response, "Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in bad]}


def test_what_the_queue_does_not_take_stays_where_it_was(sqs: Any, queue: str) -> None:
    sent = bury(sqs, queue, 3)

    with pytest.raises(QueueError, match=r"1 messages were not taken \(InternalError\)"):
        redrive(Picky(sqs, sent[1]), "local", queue, lambda _: None)  # type: ignore[arg-type]

    assert bodies(sqs, queue) == [sent[0], sent[2]]
    assert bodies(sqs, f"{queue}-dlq") == [sent[1]]
