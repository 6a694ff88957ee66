"""What Paddle notifies of, as far as billing looks at it. Members it does not know are Paddle's to add.

https://developer.paddle.com/webhooks
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from billing_service import clock as moments
from billing_service.errors import RejectedWebhook
from billing_service.model import ScheduledEnding, Status, Subscription

if TYPE_CHECKING:
    from billing_service.prices import Prices

SUBSCRIPTION_EVENTS = frozenset(
    f"subscription.{what}"
    for what in (
        "activated",
        "canceled",
        "created",
        "imported",
        "past_due",
        "paused",
        "resumed",
        "trialing",
        "updated",
    )
)
"""Each carries the whole subscription as it is then: what its name says is in its status."""

PAYMENT_FAILED = "transaction.payment_failed"

_EVENT_ID = re.compile(r"evt_[A-Za-z0-9]{1,60}", re.ASCII)
_ENDINGS = {"cancel": Status.CANCELED, "pause": Status.PAUSED}


@dataclass(frozen=True, slots=True)
class PaddleEvent:
    """One of Paddle's events; `data` is JSON text."""

    id: str
    type: str
    occurred_us: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FailedPayment:
    """A payment that was refused; `amount` in the currency's smallest unit."""

    amount: int
    currency: str
    subscription_id: str | None


class _Notification(msgspec.Struct):
    event_id: str
    event_type: str
    occurred_at: str
    data: msgspec.Raw


class _Price(msgspec.Struct):
    id: str


class _Item(msgspec.Struct):
    price: _Price


class _Period(msgspec.Struct):
    ends_at: str


class _ScheduledChange(msgspec.Struct):
    action: str
    effective_at: str


class _Subscription(msgspec.Struct):
    id: str
    status: Status
    customer_id: str
    items: list[_Item]
    updated_at: str
    custom_data: Any = None
    current_billing_period: _Period | None = None
    scheduled_change: _ScheduledChange | None = None


class _Totals(msgspec.Struct):
    grand_total: str
    currency_code: str


class _Details(msgspec.Struct):
    totals: _Totals


class _Transaction(msgspec.Struct):
    details: _Details
    subscription_id: str | None = None
    custom_data: Any = None


_decoder = msgspec.json.Decoder(_Notification)
_subscriptions = msgspec.json.Decoder(_Subscription)
_transactions = msgspec.json.Decoder(_Transaction)


def read(body: str) -> PaddleEvent:
    """Return the notification in a webhook's body; RejectedWebhook when it is none."""
    try:
        given = _decoder.decode(body)
        occurred_us = moments.read(given.occurred_at)
    except (msgspec.DecodeError, ValueError) as error:
        raise RejectedWebhook("malformed", str(error)) from error
    if not _EVENT_ID.fullmatch(given.event_id):
        raise RejectedWebhook("malformed", "event_id is none of Paddle's")
    return PaddleEvent(given.event_id, given.event_type, occurred_us, bytes(given.data))


def read_subscription(data: bytes, prices: Prices, *, at_us: int | None = None) -> tuple[Subscription, Any]:
    """Return a subscription with its custom data, as it was at `at_us` or else when it was last changed.

    RejectedWebhook for a price that is not ours: there is no plan to fall back on that somebody has paid for.
    """
    try:
        given = _subscriptions.decode(data)
        scheduled = given.scheduled_change
        ending = None
        # A change that ends nothing, such as a pause that will end itself, is reported when it happens.
        if scheduled is not None and scheduled.action in _ENDINGS:
            ending = ScheduledEnding(_ENDINGS[scheduled.action], moments.read(scheduled.effective_at))
        period = given.current_billing_period
        price_id, plan = _bought([item.price.id for item in given.items], prices)
        subscription = Subscription(
            id=given.id,
            customer_id=given.customer_id,
            status=given.status,
            price_id=price_id,
            plan=plan,
            at_us=moments.read(given.updated_at) if at_us is None else at_us,
            period_ends_us=None if period is None else moments.read(period.ends_at),
            ending=ending,
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise RejectedWebhook("malformed", str(error)) from error
    return subscription, given.custom_data


def read_failed_payment(data: bytes) -> tuple[FailedPayment, Any]:
    """Return a payment that was refused, with its custom data."""
    try:
        given = _transactions.decode(data)
        totals = given.details.totals
        return FailedPayment(int(totals.grand_total), totals.currency_code, given.subscription_id), given.custom_data
    except (msgspec.DecodeError, ValueError) as error:
        raise RejectedWebhook("malformed", str(error)) from error


def _bought(price_ids: list[str], prices: Prices) -> tuple[str, str]:
    """Return the one price of a subscription and its plan."""
    if len(price_ids) != 1:
        raise RejectedWebhook("unknown_price", f"the subscription has {len(price_ids)} prices, where ours have one")
    plan = prices.plan_of(price_ids[0])
    if plan is None:
        raise RejectedWebhook("unknown_price", f"{price_ids[0]} is not one of this stage's prices")
    return price_ids[0], plan
