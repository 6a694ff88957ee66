"""From a table's stream to the bus: the only place that sends events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kv_common.events.outbox import id_in_outbox
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

ENTRIES_PER_CALL = 10
ATTEMPTS = 4
Log = Callable[[dict[str, object]], None]


class PutEventsFailed(Exception):
    """The bus refused some entries; `failed` counts them within the call, from 0."""

    def __init__(self, failed: Sequence[int], reasons: Sequence[str]) -> None:
        super().__init__(f"the bus refused {len(failed)} entries: {', '.join(sorted(set(reasons)))}")
        self.failed = failed


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """An event of the outbox, as the stream delivers it."""

    sequence_number: str
    id: str
    name: str
    detail: str


class Publisher:
    """Sends what the stream delivers to one bus, in calls of up to ENTRIES_PER_CALL.

    EventBridge accepts entries for a bus that does not exist and drops them. So `bus` has to come from the stack that
    made it: CloudFormation keeps what another stack imports.

    An entry that the bus refuses is sent again, alone with others it refused, up to ATTEMPTS times; then the batch
    ends before it, and Lambda delivers the rest again.
    """

    def __init__(
        self, client: EventBridgeClient, bus: str, source: str, *, wait: Any = None, log: Log = logs.write
    ) -> None:
        self._client = client
        self._bus = bus
        self._source = source
        self._wait = wait
        self._log = log

    def publish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
        """Send the events among a stream's records; return Lambda's partial batch response."""
        told = list(_told(records))
        for start in range(0, len(told), ENTRIES_PER_CALL):
            call = told[start : start + ENTRIES_PER_CALL]
            refused = self._send(call)
            if refused:
                # A shard goes on after the first record that failed; what came through after it comes once more,
                # and whoever reads it knows the event's id.
                return {"batchItemFailures": [{"itemIdentifier": refused[0].sequence_number}]}
        return {"batchItemFailures": []}

    def _send(self, call: Sequence[OutboxRecord]) -> list[OutboxRecord]:
        """Send up to ENTRIES_PER_CALL events; return those that the bus would not take."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

        left = list(call)
        attempts = Retrying(
            retry=retry_if_exception_type(PutEventsFailed),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait or wait_exponential_jitter(multiplier=0.1, max=2),
            reraise=True,
        )
        try:
            for attempt in attempts:
                with attempt:
                    try:
                        self._put(left)
                    except PutEventsFailed as refusal:
                        left = [left[index] for index in refusal.failed]
                        raise
        except PutEventsFailed as refusal:
            for event in left:
                self._log({**_line(event), "level": "ERROR", "message": "refused", "reason": str(refusal)})
            return left
        return []

    def _put(self, told: Sequence[OutboxRecord]) -> None:
        entries: list[PutEventsRequestEntryTypeDef] = [
            {"EventBusName": self._bus, "Source": self._source, "DetailType": event.name, "Detail": event.detail}
            for event in told
        ]
        answer = self._client.put_events(Entries=entries)
        errors = {index: entry["ErrorCode"] for index, entry in enumerate(answer["Entries"]) if "ErrorCode" in entry}
        for index, event in enumerate(told):
            if index not in errors:
                self._log({**_line(event), "message": "published"})
        if errors:
            raise PutEventsFailed(list(errors), list(errors.values()))


def _line(event: OutboxRecord) -> dict[str, object]:
    correlation_id = json.loads(event.detail)["correlation_id"]
    return {"event": event.name, "event_id": event.id, "correlation_id": correlation_id}


def _told(records: Sequence[Mapping[str, Any]]) -> Iterator[OutboxRecord]:
    """Yield the events that were put into the outbox; all else that happens to the table is none of the bus.

    What was told under an id before is told again if there is more to tell now, as with counts that have grown.
    """
    for record in records:
        change = record["dynamodb"]
        image = change.get("NewImage")
        if image is None or image.get("detail") == change.get("OldImage", {}).get("detail"):
            continue
        event_id = id_in_outbox(image)
        if event_id is not None:
            yield OutboxRecord(change["SequenceNumber"], event_id, image["name"]["S"], image["detail"]["S"])
