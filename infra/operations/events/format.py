"""How an event looks on a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.terminal import Color, colorize, printable

if TYPE_CHECKING:
    from collections.abc import Mapping


def show(text: str, *, color: bool = False) -> str:
    """An event of the bus for people: when, from whom, what, about whom, its ids and its data."""
    event = _object(json.loads(text))
    detail = _object(event.get("detail"))
    ids = f"id={_text(detail.get('id'))} correlation_id={_text(detail.get('correlation_id'))}"
    return " ".join(
        (
            colorize(_text(detail.get("occurred_at", event.get("time"))), Color.DIM, color),
            f"{_text(event.get('source')):10}",
            colorize(f"{_text(event.get('detail-type')):19}", Color.BOLD, color),
            f"account={_text(detail.get('account_id'))}",
            colorize(ids, Color.DIM, color),
            _text(detail.get("data")),
        )
    )


def _object(value: Any) -> Mapping[str, Any]:
    """What it should be; whoever may send to the bus may send anything."""
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return printable(value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False))
