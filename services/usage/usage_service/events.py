"""The events that usage publishes, each with a deterministic id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.events import Event, ThresholdCrossed
from usage_service.domain.thresholds import mark

if TYPE_CHECKING:
    from usage_service.domain.thresholds import Crossing, Plan


def threshold_crossed(
    account_id: str, month: str, crossing: Crossing, plan: Plan, *, correlation_id: str, now_s: float
) -> Event:
    """Return the event of an account that has reached a threshold in a month."""
    return Event(
        id=f"{account_id}#{month}#{mark(crossing, plan)}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=int(now_s * 1_000_000),
        data=ThresholdCrossed(
            period=month,
            metric=crossing.metric,
            threshold=crossing.threshold,
            used=crossing.used,
            limit=crossing.limit,
            plan=plan.name,
        ),
    )
