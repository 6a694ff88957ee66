"""Duplicated, shuffled and invalid events through real queues: the totals are exact."""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from infra.operations.queues.redrive import redrive
from tests.support.metering import body, expected, make_events, record

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment
    from tests.integration.usage.conftest import Usage

EVENTS = int(os.environ.get("KV_STORM_EVENTS", "10000"))
ACCOUNTS = 25
CONSUMERS = 6

POISON = (
    "no JSON at all",
    json.dumps({"detail-type": "NoSuchEvent", "source": "kv.kv", "detail": {}}),
    json.dumps({"detail-type": "RequestServed", "source": "kv.kv", "detail": {"id": "x", "version": 99}}),
    json.dumps(
        {
            "detail-type": "StorageChanged",
            "source": "kv.kv",
            "detail": {
                "id": "x",
                "version": 1,
                "occurred_at": "2026-11-20T10:00:00Z",
                "account_id": "x",
                "correlation_id": "x",
                "data": {"namespace_id": "x", "bytes_delta": "many"},
            },
        }
    ),
)


class Queue:
    """A queue with a dead-letter queue, as the service's own are, that nobody else reads."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.name = f"storm-{uuid.uuid4().hex[:8]}"
        self.dead = sqs.create_queue(QueueName=f"kv-local-{self.name}-dlq")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        attributes = {"VisibilityTimeout": "180", "RedrivePolicy": policy}
        self.url = sqs.create_queue(QueueName=f"kv-local-{self.name}", Attributes=attributes)["QueueUrl"]

    def send(self, bodies: list[str], *, dead: bool = False) -> None:
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(bodies[start : start + 10])]
            response = self._sqs.send_message_batch(QueueUrl=self.dead if dead else self.url, Entries=entries)
            assert not response.get("Failed")

    def drain(self, usage: Usage, consumers: int) -> None:
        """Hand all messages to the function, as Lambda does, until none is left."""
        with ThreadPoolExecutor(consumers) as pool:
            for done in [pool.submit(self._consume, usage) for _ in range(consumers)]:
                done.result()

    def _consume(self, usage: Usage) -> None:
        while True:
            messages = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
            if not messages:
                if self._is_empty():
                    return
                continue
            response = usage.on_events({"Records": [record(one["Body"], one["MessageId"]) for one in messages]}, None)
            failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
            done = [one for one in messages if one["MessageId"] not in failed]
            if done:
                entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(done)]
                self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
            for one in messages:
                if one["MessageId"] in failed:
                    # It comes again at once, and not in three minutes.
                    receipt = one["ReceiptHandle"]
                    self._sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)

    def _is_empty(self) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return all(int(attributes[name]) == 0 for name in names)

    def buried(self) -> Counter[str]:
        """Return what rests in the dead-letter queue, and leave it there."""
        found: list[dict[str, Any]] = []
        options = {"QueueUrl": self.dead, "MaxNumberOfMessages": 10, "VisibilityTimeout": 30}
        while messages := self._sqs.receive_message(**options).get("Messages", []):
            found += messages
        for one in found:
            receipt = one["ReceiptHandle"]
            self._sqs.change_message_visibility(QueueUrl=self.dead, ReceiptHandle=receipt, VisibilityTimeout=0)
        return Counter(one["Body"] for one in found)


@pytest.fixture
def queue(local: LocalEnvironment) -> Queue:
    return Queue(local.aws_client("sqs"))


def test_totals_are_exact_after_duplicates_and_two_redrives(
    local: LocalEnvironment, usage: Usage, queue: Queue
) -> None:
    seed = int(os.environ.get("KV_STORM_SEED", "0")) or int(time.time())
    print(f"KV_STORM_SEED={seed}")
    chance = random.Random(seed)
    accounts = [str(uuid.uuid4()) for _ in range(ACCOUNTS)]
    poison = [chance.choice(POISON) for _ in range(EVENTS // 100)]
    stories = make_events(chance, accounts, events=EVENTS * 7 // 10 - len(poison))
    # Some lie in the dead-letter queue from before, and only a redrive brings them back.
    buried, delivered = stories[:50], stories[50:]
    twice = chance.choices(stories, k=EVENTS * 3 // 10)
    messages = [*(body(event) for event in (*delivered, *twice)), *poison]
    chance.shuffle(messages)
    queue.send([body(event) for event in buried], dead=True)
    queue.send(messages)

    queue.drain(usage, CONSUMERS)

    assert usage.totals(accounts) == expected([*delivered, *twice])
    assert queue.buried() == Counter([*poison, *(body(event) for event in buried)])
    sqs = local.aws_client("sqs")
    for moved in (len(poison) + len(buried), len(poison)):
        assert redrive(sqs, "local", queue.name, lambda _: None) == moved
        queue.drain(usage, CONSUMERS)
        assert usage.totals(accounts) == expected(stories)
        assert queue.buried() == Counter(poison)
