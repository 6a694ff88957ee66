"""A batch of SQS messages: each is handled alone, and Lambda learns which of them failed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from kv_common.telemetry import logs

Line = dict[str, object]
"""What the log says about one message: ids and reasons, never what it holds."""
Handle = Callable[[Mapping[str, Any], Line], None]
"""Handles a message, as Lambda delivers it, and adds to its log line; raises when it has to come again."""
Log = Callable[[Line], None]


class Refused(Exception):
    """A message was not handled, for a reason that is safe to log."""


def handle_each(batch: Mapping[str, Any], handle: Handle, log: Log = logs.write) -> dict[str, list[dict[str, str]]]:
    """Handle one batch of SQS messages; return Lambda's partial batch response.

    A message that fails comes again, and after `maxReceiveCount` times rests in the dead-letter queue. The others of
    its batch are done.
    """
    failed = [record["messageId"] for record in batch["Records"] if not _handled(record, handle, log)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _handled(record: Mapping[str, Any], handle: Handle, log: Log) -> bool:
    line: Line = {"message_id": record["messageId"]}
    try:
        handle(record, line)
    except Refused as error:
        line.update(level="ERROR", outcome="refused", reason=str(error))
        return False
    except Exception as error:  # noqa: BLE001  # the outermost edge: one message must not fail the others
        line.update(level="ERROR", outcome="failed", exception=type(error).__name__)
        line["stack"] = traceback.format_tb(error.__traceback__)
        return False
    else:
        line.setdefault("outcome", "done")
        return True
    finally:
        log(line)
