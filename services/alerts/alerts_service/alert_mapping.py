"""Maps events to alerts: their kind, and the data that the account sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alerts_service.model import THRESHOLDS, Kind
from kv_common.events import (
    AccountCreated,
    ApiKeyIssued,
    ApiKeyRevoked,
    InvalidEvent,
    PaymentFailed,
    PlanChanged,
    PlanChangeScheduled,
    ThresholdCrossed,
    UnknownEvent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.events import Contract, Event

KINDS: Mapping[type[Contract], tuple[Kind, tuple[str, ...]]] = {
    # By contract: the fields that the account sees. The others are for machines or confidential.
    AccountCreated: (Kind.WELCOME, ()),
    ThresholdCrossed: (Kind.USAGE_THRESHOLD, ("period", "metric", "threshold", "used", "limit", "plan")),
    PlanChanged: (Kind.PLAN_CHANGED, ("from", "to", "effective_at", "limits")),
    PlanChangeScheduled: (Kind.PLAN_CHANGE_SCHEDULED, ("from", "to", "effective_at", "reason")),
    PaymentFailed: (Kind.PAYMENT_FAILED, ("amount", "currency", "next_attempt_at")),
    ApiKeyIssued: (Kind.API_KEY_ISSUED, ("key_id", "display", "namespaces", "scopes")),
    ApiKeyRevoked: (Kind.API_KEY_REVOKED, ("key_id", "display", "reason")),
}


def facts_of(event: Event) -> tuple[Kind, dict[str, Any]]:
    """Return the kind of the alert that `event` makes, and its facts as JSON has them."""
    if type(event.data) not in KINDS:
        raise UnknownEvent(f"{event.name} makes no alert")
    kind, shown = KINDS[type(event.data)]
    data = event.data.model_dump(mode="json", by_alias=True)
    if isinstance(event.data, ThresholdCrossed) and event.data.threshold not in THRESHOLDS:
        raise InvalidEvent(f"{event.data.threshold} percent is no threshold")
    return kind, {name: data[name] for name in shown}
