"""The queues of deployed functions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment


@contextmanager
def paused_queue(local: LocalEnvironment, queue: str) -> Iterator[None]:
    """Pause the delivery of a queue to its function; waiting messages are delivered afterwards."""
    functions, sqs = local.aws_client("lambda"), local.aws_client("sqs")
    url = sqs.get_queue_url(QueueName=f"kv-local-{queue}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    [mapping] = functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        await_value(lambda: waiting(local, url) == 0, within=20)


def waiting(local: LocalEnvironment, url: str) -> int:
    """Return the number of messages in a queue or being processed."""
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = local.aws_client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(counts[name]) for name in names)
