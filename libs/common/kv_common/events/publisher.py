"""Publishes the outbox: reads a table's stream and sends its events to the bus."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from kv_common import retry
from kv_common.events.batch import BatchResponse, StreamProcessor, process_records
from kv_common.events.outbox import id_in_outbox
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

ENTRIES_PER_CALL = 10
ATTEMPTS = 4
Log = Callable[[dict[str, object]], None]


class PutEventsFailed(Exception):
    """The bus rejected the events in `rejected`."""

    def __init__(self, rejected: Sequence[OutboxRecord], codes: Collection[str]) -> None:
        super().__init__(f"the bus rejected {len(rejected)} entries: {', '.join(sorted(codes))}")
        self.rejected = rejected


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """An event of the outbox, and the stream's record that contains it."""

    record: DynamoDBRecord
    id: str
    name: str
    detail: str


class _OutboxProcessor(StreamProcessor):
    """Calls the handler with up to ENTRIES_PER_CALL events at a time, until it raises PutEventsFailed."""

    def process(self) -> list[tuple[Any, ...]]:
        """Publish the events among the records."""
        events = list(outbox_records(self.records))
        for start in range(0, len(events), ENTRIES_PER_CALL):
            try:
                self.handler(events[start : start + ENTRIES_PER_CALL])
            except PutEventsFailed as failure:
                # Published events after the first rejected one are published again; consumers recognize their ids.
                return [self.failure_handler(failure.rejected[0].record, sys.exc_info())]
        return []


class Publisher:
    """Publishes a stream's records to one bus, up to ENTRIES_PER_CALL per call.

    EventBridge accepts and drops entries for a bus that does not exist. `bus` therefore has to be imported from the
    stack that creates it: CloudFormation keeps an export that another stack imports.

    Rejected entries are retried up to ATTEMPTS times, then the batch fails from the first of them on.
    """

    def __init__(
        self,
        client: EventBridgeClient,
        bus: str,
        source: str,
        *,
        sleep: Callable[[float], None] | None = None,
        log: Log = logs.write,
    ) -> None:
        self._client = client
        self._bus = bus
        self._source = source
        self._sleep = sleep
        self._log = log

    def publish(self, records: Sequence[Mapping[str, Any]]) -> BatchResponse:
        """Publish the events among a stream's records; return Lambda's partial batch response."""
        return process_records(records, self._send, _OutboxProcessor())

    def _send(self, events: Sequence[OutboxRecord]) -> None:
        """Publish up to ENTRIES_PER_CALL events; raises PutEventsFailed for those that the bus keeps rejecting."""
        pending = list(events)
        try:
            retry.call(
                lambda: self._put(pending),
                on=PutEventsFailed,
                attempts=ATTEMPTS,
                first_pause_s=0.1,
                max_pause_s=2,
                sleep=self._sleep,
            )
        except PutEventsFailed as failure:
            for event in failure.rejected:
                self._log({**_line(event), "level": "ERROR", "message": "refused", "reason": str(failure)})
            raise

    def _put(self, pending: list[OutboxRecord]) -> None:
        """Publish the events in one call and remove the published ones; raises PutEventsFailed if any are left."""
        entries: list[PutEventsRequestEntryTypeDef] = [
            {"EventBusName": self._bus, "Source": self._source, "DetailType": event.name, "Detail": event.detail}
            for event in pending
        ]
        results = self._client.put_events(Entries=entries)["Entries"]
        rejected = []
        for event, result in zip(list(pending), results, strict=True):
            if "ErrorCode" in result:
                rejected.append(event)
            else:
                self._log({**_line(event), "message": "published"})
        pending[:] = rejected
        if rejected:
            raise PutEventsFailed(rejected, {result["ErrorCode"] for result in results if "ErrorCode" in result})


def _line(event: OutboxRecord) -> dict[str, object]:
    correlation_id = json.loads(event.detail)["correlation_id"]
    return {"event": event.name, "event_id": event.id, "correlation_id": correlation_id}


def outbox_records(records: Sequence[Mapping[str, Any]]) -> Iterator[OutboxRecord]:
    """Yield the events that were written to the outbox; ignore all other changes of the table.

    A new version of an event that is in the outbox already, such as counts that have grown, is published again.
    """
    for record in [DynamoDBRecord(dict(record)) for record in records]:
        change = record.dynamodb
        event_id = id_in_outbox(change.keys) if change else None
        if change is None or event_id is None:
            continue
        image = change.new_image
        if image and image["detail"] != change.old_image.get("detail"):
            yield OutboxRecord(record, event_id, image["name"], image["detail"])
