"""Consumes events from an SQS queue: dispatches each to the handler of its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes.event_bridge_event import EventBridgeEvent

from kv_common.events.batch import BatchResponse, Line, Log, process_messages
from kv_common.events.envelope import Event, decode
from kv_common.events.errors import InvalidEvent, UnknownEvent
from kv_common.telemetry import logs

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

Handler = Callable[[Event], None]


class Consumer:
    """Dispatches events to handlers by name.

    A message that fails is redelivered, then dead-lettered; so are unknown and invalid events. Nothing is dropped.
    """

    def __init__(self, service: str, handlers: Mapping[str, Handler], log: Log = logs.write) -> None:
        self._service = service
        self._handlers = handlers
        self._log = log

    def consume(self, batch: Mapping[str, Any]) -> BatchResponse:
        """Handle a batch of SQS messages; return Lambda's partial batch response."""
        return process_messages(batch, self._handle, self._log)

    def _handle(self, record: SQSRecord, line: Line) -> None:
        event = self._decode(record, line)
        self._handlers[event.name](event)

    def _decode(self, record: SQSRecord, line: Line) -> Event:
        try:
            message = EventBridgeEvent(record.json_body)
            name, detail = message.detail_type, message.detail
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidEvent("the message is not an EventBridge event") from error
        if not isinstance(name, str):
            raise InvalidEvent("detail-type is not a string")
        line["event"] = name
        if name not in self._handlers:
            raise UnknownEvent(f"{self._service} has no handler for {name}")
        event = decode(name, detail)
        line.update(event_id=event.id, correlation_id=event.correlation_id, account_id=event.account_id)
        return event
