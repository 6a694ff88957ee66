"""A tap: for a while, a queue of our own that gets a copy of what passes on a stage's bus."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from infra.operations.events.errors import EventsError
from infra.signals import without_interruption
from kv_common.events.contracts import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

_TARGET = "tap"
_KEPT_SECONDS = 300
#: Nobody watches for longer: a tap that stands longer was left behind by a process that was killed.
_LIFETIME_SECONDS = 12 * 3600


class Tap:
    """A rule of the bus and the queue that it fills, both there between entering and leaving.

    What a killed process left behind is found by its name and removed by the next tap: on the same machine at once,
    from elsewhere after twelve hours.
    """

    def __init__(
        self,
        events: EventBridgeClient,
        sqs: SQSClient,
        stage: str,
        *,
        name: str | None = None,
        account: str | None = None,
    ) -> None:
        if name is not None and name not in CATALOG:
            raise EventsError(f"There is no event {name}. Say NAME=…, one of: {', '.join(sorted(CATALOG))}.")
        self._events = events
        self._sqs = sqs
        self._bus = f"kv-{stage}"
        self._pattern: dict[str, Any] = {"source": [{"prefix": "kv."}]}
        if name is not None:
            self._pattern["detail-type"] = [name]
        if account is not None:
            self._pattern["detail"] = {"account_id": [account]}
        self.name = _new_name(stage)
        self._queue = ""

    def __enter__(self) -> Self:
        try:
            self._remove_leftovers()
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def receive(self, *, wait_seconds: int = 20) -> Iterator[str]:
        """The events that have come, each as EventBridge's JSON text; waits for the first."""
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds)
        messages = answer.get("Messages", [])
        yield from (message["Body"] for message in messages)
        if messages:
            self._sqs.delete_message_batch(
                QueueUrl=self._queue,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages)
                ],
            )

    def _open(self) -> None:
        self._queue = self._sqs.create_queue(
            QueueName=self.name,
            Attributes={"MessageRetentionPeriod": str(_KEPT_SECONDS), "SqsManagedSseEnabled": "true"},
        )["QueueUrl"]
        described = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        queue = described["Attributes"]["QueueArn"]
        try:
            rule = self._events.put_rule(
                Name=self.name,
                EventBusName=self._bus,
                EventPattern=json.dumps(self._pattern),
                Description="A tap of `make events`; may be removed at any time",
            )["RuleArn"]
        except self._events.exceptions.ResourceNotFoundException as error:
            raise EventsError(
                f"There is no bus {self._bus}: is it deployed, and in this account and region?"
            ) from error
        policy = _policy(queue, rule)
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)})
        self._events.put_targets(Rule=self.name, EventBusName=self._bus, Targets=[{"Id": _TARGET, "Arn": queue}])

    def _close(self) -> None:
        without_interruption(lambda: self._remove(self.name))

    def _remove_leftovers(self) -> None:
        prefix = f"{self._bus}-tap-"
        queues = self._sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
        names = {url.rsplit("/", 1)[1] for page in queues for url in page.get("QueueUrls", [])}
        with suppress(self._events.exceptions.ResourceNotFoundException):  # no such bus: `_open` says so
            rules = self._events.get_paginator("list_rules").paginate(NamePrefix=prefix, EventBusName=self._bus)
            names |= {rule["Name"] for page in rules for rule in page["Rules"]}
        for name in names:
            if _is_left_behind(name.removeprefix(prefix)):
                self._remove(name)

    def _remove(self, name: str) -> None:
        """Remove a tap of that name, as far as it is there."""
        with suppress(self._events.exceptions.ResourceNotFoundException):
            self._events.remove_targets(Rule=name, EventBusName=self._bus, Ids=[_TARGET])
            self._events.delete_rule(Name=name, EventBusName=self._bus)
        with suppress(self._sqs.exceptions.QueueDoesNotExist):
            self._sqs.delete_queue(QueueUrl=self._sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _new_name(stage: str) -> str:
    """When, where and by whom it was made, as `_is_left_behind` reads it. A rule's name has 64 characters at most."""
    return f"kv-{stage}-tap-{int(time.time()):x}-{_machine()}-{os.getpid()}-{secrets.token_hex(2)}"


def _is_left_behind(made: str) -> bool:
    match = re.fullmatch(r"([0-9a-f]+)-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{4}", made)
    if match is None:
        return False
    if int(match[1], 16) < time.time() - _LIFETIME_SECONDS:
        return True
    return match[2] == _machine() and not _is_running(int(match[3]))


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


def _policy(queue: str, rule: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
        ],
    }
