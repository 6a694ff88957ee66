"""From a queue to handlers: messages that carry events, one at a time, with a partial batch response."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from kv_common import logs
from kv_common.events.envelope import Event, InvalidEvent, UnknownEvent, decode

Handler = Callable[[Event], None]
Log = Callable[[dict[str, object]], None]


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
        failed = [record["messageId"] for record in batch["Records"] if not self._handled(record)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _handled(self, record: Mapping[str, Any]) -> bool:
        line: dict[str, object] = {"level": "INFO", "service": self._service, "message_id": record["messageId"]}
        try:
            event = self._read(record, line)
            self._handlers[event.name](event)
        except (InvalidEvent, UnknownEvent) as error:
            line.update(level="ERROR", outcome="refused", reason=str(error))
            return False
        except Exception as error:  # noqa: BLE001  # the outermost edge: one message must not fail the others
            line.update(level="ERROR", outcome="failed", exception=type(error).__name__)
            line["stack"] = traceback.format_tb(error.__traceback__)
            return False
        else:
            line["outcome"] = "done"
            return True
        finally:
            self._log(line)

    def _read(self, record: Mapping[str, Any], line: dict[str, object]) -> Event:
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
