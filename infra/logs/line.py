"""A line of a function's log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

#: Members of our lines that hold an id by which somebody may look for what belongs together.
IDS = ("correlation_id", "event_id", "request_id", "message_id")


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
        return any(fields.get(name) == wanted for name in IDS)
