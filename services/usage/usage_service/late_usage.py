"""Requests that were told after their month had closed: they are not booked, and not passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.telemetry import logs
from kv_common.telemetry.metrics import emit_metric

if TYPE_CHECKING:
    from kv_common.events import Event

METRIC = "LateUsageRequests"


def report_late(stage: str, event: Event, requests: int) -> None:
    """Log which event came too late, and emit_metric how many requests it told."""
    logs.write(
        {
            "level": "WARN",
            "message": "told after its month had closed; not booked",
            "event_id": event.id,
            "account_id": event.account_id,
            "correlation_id": event.correlation_id,
        }
    )
    emit_metric(stage, "usage", METRIC, requests)
