"""What Paddle's webhooks hold: whole subscriptions and transactions, with every member that the real ones have.

https://developer.paddle.com/api-reference/subscriptions and /transactions
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.paddle_simulator.prices import amount_of

JSON = dict[str, Any]

PERIOD = timedelta(days=30)
STATUS_BY_EVENT = {
    "subscription.activated": "active",
    "subscription.canceled": "canceled",
    "subscription.created": "active",
    "subscription.imported": "active",
    "subscription.past_due": "past_due",
    "subscription.paused": "paused",
    "subscription.resumed": "active",
    "subscription.trialing": "trialing",
}
"""The status that an event says by its name; subscription.updated leaves it as it is."""
TRANSACTION_STATUS = {
    "transaction.billed": "billed",
    "transaction.canceled": "canceled",
    "transaction.completed": "completed",
    "transaction.created": "draft",
    "transaction.paid": "paid",
    "transaction.past_due": "past_due",
    "transaction.payment_failed": "past_due",
    "transaction.ready": "ready",
    "transaction.revised": "completed",
    "transaction.updated": "ready",
}
EVENTS = sorted({*STATUS_BY_EVENT, "subscription.updated", *TRANSACTION_STATUS})


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A change that takes effect later: `action` is cancel, pause or resume."""

    action: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bought:
    """A subscription of a simulated customer."""

    id: str
    customer_id: str
    price_id: str
    custom_data: JSON | None
    status: str = "active"
    started_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    scheduled: Scheduled | None = None

    def after(self, event: str, **changes: Any) -> Bought:
        """Return the subscription as it is when `event` has happened; resuming and ending clear what was scheduled."""
        status = STATUS_BY_EVENT.get(event, self.status)
        scheduled = None if event in STATUS_BY_EVENT else self.scheduled
        return replace(self, **{"status": status, "scheduled": scheduled, **changes})


def id_of(kind: str, seed: str) -> str:
    """Return an id of Paddle's form, the same for the same seed."""
    return f"{kind}_01{hashlib.sha256(f'{kind} {seed}'.encode()).hexdigest()[:24]}"


def stamp(moment: datetime, digits: int = 6) -> str:
    """Return a time as Paddle writes it, with 0 to 9 digits of the second."""
    fraction = f"{moment.microsecond:06d}000"[:digits]
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "Z"


def subscription(bought: Bought, at: datetime) -> JSON:
    """Return the entity of a subscription that was last changed at `at`."""
    over = bought.status == "canceled"
    period = None if over else {"starts_at": stamp(at), "ends_at": stamp(at + PERIOD)}
    next_billed_at = None if over or bought.status == "paused" else stamp(at + PERIOD)
    scheduled = bought.scheduled
    return {
        "id": bought.id,
        "status": bought.status,
        "customer_id": bought.customer_id,
        "address_id": id_of("add", bought.customer_id),
        "business_id": None,
        "currency_code": "USD",
        "created_at": stamp(bought.started_at),
        "updated_at": stamp(at),
        "started_at": stamp(bought.started_at),
        "first_billed_at": stamp(bought.started_at),
        "next_billed_at": next_billed_at,
        "paused_at": stamp(at) if bought.status == "paused" else None,
        "canceled_at": stamp(at) if over else None,
        "collection_mode": "automatic",
        "billing_details": None,
        "current_billing_period": period,
        "billing_cycle": {"interval": "month", "frequency": 1},
        "scheduled_change": None
        if scheduled is None
        else {"action": scheduled.action, "effective_at": stamp(scheduled.at), "resume_at": None},
        "items": [
            {
                "status": "active",
                "quantity": 1,
                "recurring": True,
                "created_at": stamp(bought.started_at),
                "updated_at": stamp(at),
                "previously_billed_at": stamp(bought.started_at),
                "next_billed_at": next_billed_at,
                "trial_dates": None,
                "price": _price(bought.price_id, bought.started_at),
                "product": _product(bought.price_id, bought.started_at),
            }
        ],
        "custom_data": bought.custom_data,
        "discount": None,
        "import_meta": None,
        "consent_requirements": [],
    }


def transaction(bought: Bought, event: str, at: datetime) -> JSON:
    """Return the entity of a month's transaction of a subscription."""
    total = str(amount_of(bought.price_id))
    totals = {"subtotal": total, "discount": "0", "tax": "0", "total": total}
    failed = event == "transaction.payment_failed"
    payment = {
        "payment_attempt_id": "8f72cfa6-26b4-4a57-91dc-8f2708f7822d",
        "payment_method_id": id_of("paymtd", bought.customer_id),
        "stored_payment_method_id": "a78ece50-356f-4e0c-b72d-ad5368b0a0d9",
        "amount": total,
        "status": "error" if failed else "captured",
        "error_code": "declined" if failed else None,
        "method_details": {
            "type": "card",
            "card": {"type": "visa", "last4": "0002", "expiry_month": 1, "expiry_year": 2030, "cardholder_name": "Ada"},
        },
        "created_at": stamp(at),
        "captured_at": None if failed else stamp(at),
    }
    return {
        "id": id_of("txn", f"{bought.id} {stamp(at)}"),
        "status": TRANSACTION_STATUS[event],
        "customer_id": bought.customer_id,
        "address_id": id_of("add", bought.customer_id),
        "business_id": None,
        "custom_data": bought.custom_data,
        "origin": "subscription_recurring",
        "collection_mode": "automatic",
        "subscription_id": bought.id,
        "invoice_id": None,
        "invoice_number": None,
        "billing_details": None,
        "billing_period": {"starts_at": stamp(at), "ends_at": stamp(at + PERIOD)},
        "currency_code": "USD",
        "discount_id": None,
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "billed_at": stamp(at),
        "revised_at": None,
        "items": [{"price": _price(bought.price_id, bought.started_at), "quantity": 1, "proration": None}],
        "details": {
            "totals": {
                **totals,
                "credit": "0",
                "credit_to_balance": "0",
                "balance": total if failed else "0",
                "grand_total": total,
                "fee": None,
                "earnings": None,
                "currency_code": "USD",
            },
            "adjusted_totals": {
                "subtotal": total,
                "tax": "0",
                "total": total,
                "grand_total": total,
                "fee": "0",
                "earnings": "0",
                "currency_code": "USD",
            },
            "payout_totals": None,
            "adjusted_payout_totals": None,
            "tax_rates_used": [{"tax_rate": "0", "totals": totals}],
            "line_items": [],
        },
        "payments": [payment],
        "checkout": {"url": f"https://example.com/pay?_ptxn={id_of('txn', bought.id)}"},
    }


def notification(event: str, data: JSON, occurred_at: str, event_id: str) -> JSON:
    """Return what Paddle posts."""
    return {
        "event_id": event_id,
        "event_type": event,
        "occurred_at": occurred_at,
        "notification_id": id_of("ntf", event_id),
        "data": data,
    }


def _price(price_id: str, created: datetime) -> JSON:
    return {
        "id": price_id,
        "product_id": id_of("pro", price_id),
        "name": "Monthly",
        "description": "Monthly",
        "type": "standard",
        "status": "active",
        "tax_mode": "account_setting",
        "quantity": {"minimum": 1, "maximum": 1},
        "unit_price": {"amount": str(amount_of(price_id)), "currency_code": "USD"},
        "unit_price_overrides": [],
        "billing_cycle": {"interval": "month", "frequency": 1},
        "trial_period": None,
        "custom_data": None,
        "import_meta": None,
        "created_at": stamp(created),
        "updated_at": stamp(created),
    }


def _product(price_id: str, created: datetime) -> JSON:
    return {
        "id": id_of("pro", price_id),
        "name": "KV Storage",
        "description": "Key-value storage",
        "type": "standard",
        "status": "active",
        "tax_category": "saas",
        "image_url": None,
        "custom_data": None,
        "import_meta": None,
        "created_at": stamp(created),
        "updated_at": stamp(created),
    }
