"""From a queue to handlers: messages that carry events, one at a time, with a partial batch response."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from kv_common.events.batch import Line, Log, handle_each
from kv_common.events.envelope import Event, InvalidEvent, UnknownEvent, decode
from kv_common.telemetry import logs

Handler = Callable[[Event], None]


class Consumer:
    """Hands each event to the handler of its name.

    A message that fails comes again, and after `maxReceiveCount` times rests in the dead-letter queue: also one of an
    unknown name or of the wrong form, for nothing is dropped in silence. The others of its batch are done.
    """

    def __init__(self, service: str, handlers: Mapping[str, Handler], log: Log = logs.write) -> None:
        self._service = service
        self._handlers = handlers
        self._log = log

    def consume(self, batch: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Handle one batch of SQS messages; return Lambda's partial batch response."""
        return handle_each(batch, self._handle, self._log)

    def _handle(self, record: Mapping[str, Any], line: Line) -> None:
        event = self._read(record, line)
        self._handlers[event.name](event)

    def _read(self, record: Mapping[str, Any], line: Line) -> Event:
        try:
            message = json.loads(record["body"])
            name, detail = message["detail-type"], message["detail"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidEvent("the message is no EventBridge event") from error
        if not isinstance(name, str):
            raise InvalidEvent("the message's detail-type is no text")
        line["event"] = name
        if name not in self._handlers:
            raise UnknownEvent(f"{self._service} has no handler for {name}")
        event = decode(name, detail)
        line.update(event_id=event.id, correlation_id=event.correlation_id, account_id=event.account_id)
        return event
