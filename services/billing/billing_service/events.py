"""The events that billing publishes, each with a deterministic id.

A change of an account has the id of the revision that it created: no two changes create the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from billing_service import clock as moments
from billing_service.model import Status
from kv_common.events import Event, PaymentFailed, PlanChanged, PlanChangeScheduled

if TYPE_CHECKING:
    from billing_service.model import Account, Subscription
    from billing_service.paddle.paddle_events import FailedPayment, PaddleEvent

_REASONS: dict[Status, Literal["canceled", "paused"]] = {Status.CANCELED: "canceled", Status.PAUSED: "paused"}


def plan_changed(before: Account, after: Account, *, source: str, correlation_id: str) -> Event:
    """Tell that an account is on another plan, or on other limits; `after` holds the time of the change."""
    shown = after.shown
    return Event(
        id=f"{after.id}#{after.revision}#plan-changed",
        account_id=after.id,
        correlation_id=correlation_id,
        occurred_at_us=after.changed_at_us,
        data=PlanChanged(
            from_plan=before.plan,
            to_plan=after.plan,
            limits=after.limits,
            effective_at=moments.show(after.changed_at_us),
            changed_at_us=after.changed_at_us,
            source_event=source,
            subscription_id=None if shown is None else shown.id,
        ),
    )


def change_scheduled(account: Account, ending: Subscription, *, at_us: int, correlation_id: str) -> Event | None:
    """Tell what will become of the account's plan at the end of a subscription; None when nothing will."""
    after = account.plan_after(ending)
    if ending.ending is None or after == account.plan:
        return None
    return Event(
        id=f"{account.id}#{account.revision}#plan-change-scheduled",
        account_id=account.id,
        correlation_id=correlation_id,
        occurred_at_us=at_us,
        data=PlanChangeScheduled(
            from_plan=account.plan,
            to_plan=after,
            effective_at=moments.show(ending.ending.at_us),
            reason=_REASONS[ending.ending.status],
            subscription_id=ending.id,
        ),
    )


def payment_failed(account_id: str, payment: FailedPayment, notification: PaddleEvent, correlation_id: str) -> Event:
    """Tell that a payment was refused. Paddle does not say when it will try again."""
    return Event(
        id=f"{notification.id}#payment-failed",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=notification.occurred_us,
        data=PaymentFailed(amount=payment.amount, currency=payment.currency, subscription_id=payment.subscription_id),
    )
