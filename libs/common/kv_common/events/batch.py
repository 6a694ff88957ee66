"""Batches of SQS messages and of stream records: Powertools' BatchProcessor, with a log line per message."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from kv_common.events.errors import RejectedMessage
from kv_common.telemetry import logs

Line = dict[str, object]
"""The log line of a message: ids, outcome and reason, never the body."""
Handle = Callable[[SQSRecord, Line], None]
"""Handles a message and adds to its log line; an exception has the message redelivered."""
Log = Callable[[Line], None]
BatchResponse = dict[str, list[dict[str, str]]]


def process_messages(batch: Mapping[str, Any], handle: Handle, log: Log = logs.write) -> BatchResponse:
    """Handle the SQS messages of a batch one by one; return Lambda's partial batch response.

    Failed messages are redelivered, and dead-lettered after the queue's `maxReceiveCount`.
    """

    def handle_logged(record: SQSRecord) -> None:
        line: Line = {"message_id": record.message_id}
        try:
            handle(record, line)
        except RejectedMessage as error:
            line.update(level="ERROR", outcome="refused", reason=str(error))
            raise
        except Exception as error:
            line.update(level="ERROR", outcome="failed", exception=type(error).__name__)
            line["stack"] = traceback.format_tb(error.__traceback__)
            raise
        else:
            line.setdefault("outcome", "done")
        finally:
            log(line)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    response: Any = process_partial_response(dict(batch), handle_logged, processor)
    return dict(response)


class StreamProcessor(BatchProcessor):
    """Processes the records of a DynamoDB stream in order and stops at the first failure.

    Lambda redelivers the shard from the failed record on, so processing the records after it would repeat them.
    """

    def __init__(self) -> None:
        super().__init__(EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)

    def process(self) -> list[tuple[Any, ...]]:
        """Call the handler for each record up to the first failure."""
        results: list[tuple[Any, ...]] = []
        for record in self.records:
            results.append(self._process_record(record))
            if self.fail_messages:
                break
        return results


def process_records(
    records: Sequence[Mapping[str, Any]], handler: Callable[[Any], object], processor: BatchProcessor | None = None
) -> BatchResponse:
    """Process a stream's records with `handler`; return Lambda's partial batch response."""

    def handle(record: Any) -> object:
        # Powertools passes the record as a keyword argument.
        return handler(record)

    processor = processor or StreamProcessor()
    with processor([dict(record) for record in records], handle):
        processor.process()
    response: Any = processor.response()
    return dict(response)
