"""Requests that were reported after their month had closed: they are not recorded, but logged and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.telemetry import logs
from kv_common.telemetry.metrics import emit_metric

if TYPE_CHECKING:
    from kv_common.events import Event

METRIC = "LateUsageRequests"


def report_late(stage: str, event: Event, requests: int) -> None:
    """Log the late event, and count its requests."""
    logs.write(
        {
            "level": "WARN",
            "message": "reported after its month had closed; not recorded",
            "event_id": event.id,
            "account_id": event.account_id,
            "correlation_id": event.correlation_id,
        }
    )
    emit_metric(stage, "usage", METRIC, requests)
