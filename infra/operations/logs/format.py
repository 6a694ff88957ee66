"""How a line looks on a terminal: when, where, how bad, what, and of which request."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from infra.terminal import Color, colorize, printable

if TYPE_CHECKING:
    from infra.operations.logs.line import Line

_LEVELS = {"ERROR": Color.RED, "CRITICAL": Color.RED, "WARN": Color.YELLOW, "WARNING": Color.YELLOW}
#: Shown elsewhere in the line, or only for machines.
_NOT_REPEATED = {"timestamp", "time", "service", "Service", "Stage", "_aws"}
_SUBJECT = ("route", "message", "outcome", "event", "status")


def show(line: Line, *, color: bool = False) -> str:
    """The line for people: what it has beyond the usual follows as name=value, a stack below it."""
    moment = dt.datetime.fromtimestamp(line.time_ms / 1000, dt.UTC)
    where = f"{line.service:8} {line.function:18}"
    head = f"{colorize(f'{moment:%m-%d %H:%M:%S}.{line.time_ms % 1000:03}', Color.DIM, color)} {where}"
    fields = line.fields()
    if fields is None:
        return f"{head} {printable(line.message)}"
    rest = {name: value for name, value in _in_our_terms(fields).items() if name not in _NOT_REPEATED}
    level = str(rest.pop("level", "INFO"))
    stack = rest.pop("stack", None)
    subject = " ".join(_text(rest.pop(name)) for name in _SUBJECT if name in rest)
    duration = rest.pop("duration_ms", None)
    if duration is not None:
        subject += f" {duration} ms"
    correlation_id = _text(rest.pop("correlation_id", "-"))
    others = " ".join(f"{printable(name)}={_text(value)}" for name, value in rest.items() if value is not None)
    parts = [subject, correlation_id, colorize(others, Color.DIM, color)]
    shown = f"{head} {colorize(f'{printable(level):5}', _LEVELS.get(level), color)} {'  '.join(filter(None, parts))}"
    if isinstance(stack, list):
        shown += "".join(f"\n    {printable(part)}" for frame in stack for part in str(frame).splitlines())
    return shown


def _in_our_terms(fields: dict[str, Any]) -> dict[str, Any]:
    """The members as our own lines name them, also for failures that Lambda reports and for uncaught exceptions."""
    match fields:
        case {"_aws": _, **metric}:
            return {**metric, "level": "INFO"}  # its own level is for Lambda's filter
        case {"type": str(kind), "record": dict(record)} if kind.startswith("platform."):
            return {"level": "ERROR", "message": kind, **record}
        case {"errorType": kind, "errorMessage": message, "stackTrace": stack, **others}:
            level = others.pop("log_level", "ERROR")  # what some versions of Python's runtime call it
            return {"level": level, "message": message, "exception": kind, "stack": stack, **others}
    return fields


def _text(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
