"""The words for an alert's facts: which template says it, and each fact as people read it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from alerts_service.model import Kind
from kv_common.plans import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping

    Data = Mapping[str, Any]
    Words = tuple[str, dict[str, str]]
    """The template's name, and its values by name."""

_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB"))
# What can be paid in and has no smaller unit (ISO 4217).
_WHOLE_CURRENCIES = frozenset({"CLP", "JPY", "KRW", "VND"})
_ALL_OF_IT = 100  # percent


def words(kind: Kind, data: Data, created_at_ms: int) -> Words:
    """Return the template for an alert and its values; ValueError for facts that cannot be."""
    template, values = _WORDS[kind](data)
    return template, {**values, "time": _minute(dt.datetime.fromtimestamp(created_at_ms / 1000, dt.UTC))}


def _welcome(_data: Data) -> Words:
    return "welcome", {}


def _usage_threshold(data: Data) -> Words:
    whole = data["threshold"] >= _ALL_OF_IT
    stored = data["metric"] == "storage"
    if stored:
        template = "storage_full" if whole else "storage_nearing"
    else:
        template = "requests_used_up" if whole else "requests_nearing"
    show = _size if stored else _count
    first = dt.datetime.strptime(data["period"], "%Y-%m").replace(tzinfo=dt.UTC)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return template, {
        "plan": _plan(data["plan"]),
        "percent": str(data["threshold"]),
        "used": show(data["used"]),
        "limit": show(data["limit"]),
        "month": first.strftime("%B %Y"),
        "renews": _day(following),
    }


def _plan_changed(data: Data) -> Words:
    old, new, limits = data["from"], data["to"], data["limits"]
    if old == new:
        template = "plan_limits_changed"
    else:
        template = "plan_upgraded" if _price(new) > _price(old) else "plan_downgraded"
    return template, {
        "old": _plan(old),
        "new": _plan(new),
        "when": _moment(data["effective_at"]),
        "requests": _count(limits["requests_per_month"]),
        "storage": _size(limits["storage_bytes"]),
        "rate": _count(limits["requests_per_second"]),
    }


def _plan_change_scheduled(data: Data) -> Words:
    template = {
        "canceled": "plan_cancellation_scheduled",
        "paused": "plan_pause_scheduled",
        "downgraded": "plan_downgrade_scheduled",
    }[data["reason"]]
    # With custom limits, the mail shows the plan's: the change brings the account to these.
    plan = CATALOG.get(data["to"])
    if plan is None:
        raise ValueError(f"there is no plan {data['to']!r}")
    return template, {
        "old": _plan(data["from"]),
        "new": _plan(data["to"]),
        "when": _moment(data["effective_at"]),
        "requests": _count(plan.requests_per_month),
        "storage": _size(plan.storage_bytes),
    }


def _payment_failed(data: Data) -> Words:
    values = {"amount": _money(data["amount"], data["currency"])}
    if data["next_attempt_at"] is None:
        return "payment_failed_finally", values
    return "payment_failed", {**values, "next": _moment(data["next_attempt_at"])}


def _api_key_issued(data: Data) -> Words:
    everywhere = list(data["namespaces"]) == ["*"]
    return "api_key_issued", {
        "display": data["display"],
        "key_id": data["key_id"],
        "namespaces": "all" if everywhere else ", ".join(data["namespaces"]),
        "scopes": ", ".join(data["scopes"]),
    }


def _api_key_revoked(data: Data) -> Words:
    return "api_key_revoked", {"display": data["display"], "key_id": data["key_id"]}


_WORDS = {
    Kind.WELCOME: _welcome,
    Kind.USAGE_THRESHOLD: _usage_threshold,
    Kind.PLAN_CHANGED: _plan_changed,
    Kind.PLAN_CHANGE_SCHEDULED: _plan_change_scheduled,
    Kind.PAYMENT_FAILED: _payment_failed,
    Kind.API_KEY_ISSUED: _api_key_issued,
    Kind.API_KEY_REVOKED: _api_key_revoked,
}


def _price(plan: str) -> int:
    if plan not in CATALOG:
        raise ValueError(f"there is no plan {plan!r}")
    return CATALOG[plan].price


def _plan(name: str) -> str:
    return name.capitalize()


def _count(amount: int) -> str:
    return f"{amount:,}"


def _size(amount: int) -> str:
    for unit, name in _UNITS:
        if amount >= unit:
            return f"{amount / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{amount} bytes"


def _money(amount: int, currency: str) -> str:
    if currency in _WHOLE_CURRENCIES:
        return f"{amount:,} {currency}"
    return f"{amount // 100:,}.{amount % 100:02d} {currency}"


def _moment(text: str) -> str:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time has no UTC offset")
    return _minute(moment.astimezone(dt.UTC))


def _minute(moment: dt.datetime) -> str:
    return f"{_day(moment)}, {moment:%H:%M} UTC"


def _day(moment: dt.datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
