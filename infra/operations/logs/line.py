"""A line of a function's log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

#: Members that hold an id by which somebody may look for what belongs together: of our lines, and of Lambda's own.
IDS = ("correlation_id", "event_id", "request_id", "message_id", "requestId", "record.requestId")
#: What Lambda says around every invocation where it logs as text, as the emulator does.
_ROUTINE = ("INIT_START ", "START RequestId:", "END RequestId:", "REPORT RequestId:")


@dataclass(frozen=True, slots=True)
class Line:
    """One line, with where it comes from. `time_ms` is in milliseconds since 1970."""

    time_ms: int
    service: str
    function: str
    message: str

    def fields(self) -> dict[str, Any] | None:
        """The members of a structured line; None for one that is plain text, such as a traceback of Lambda's own."""
        try:
            fields = json.loads(self.message)
        except ValueError:
            return None
        return fields if isinstance(fields, dict) else None

    def concerns(self, wanted: str) -> bool:
        """Whether one of the ids of the line is the one looked for."""
        fields = self.fields() or {}
        return any(_member(fields, path) == wanted for path in IDS)

    def is_routine(self) -> bool:
        """Whether it only says that Lambda did as usual: where an invocation failed, its report says so."""
        if self.message.startswith(_ROUTINE):
            return True
        match self.fields():
            case {"type": "platform.logsDropped"}:
                return False
            case {"type": str(kind), "record": {"status": status}}:
                return kind.startswith("platform.") and status == "success"
            case {"type": str(kind), "record": dict()}:
                return kind.startswith("platform.")
        return False


def _member(fields: Any, path: str) -> Any:
    """What stands at a path such as `record.requestId`, or None."""
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields
