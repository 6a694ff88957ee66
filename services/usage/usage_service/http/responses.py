"""How requests for usage are read and how answers look."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from kv_common import identifiers
from kv_common.clock import timestamp
from kv_common.errors import field_error
from kv_common.http import Response, json_response
from usage_service.domain.periods import first_day, last_day
from usage_service.domain.reports import Granularity, span
from usage_service.domain.thresholds import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.events import Served
    from kv_common.http import Request
    from usage_service.domain.reports import NameUse, Report, Span

_MONTH = re.compile(r"2[0-9]{3}-[0-9]{2}", re.ASCII)
_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_history(request: Request, *, today: date) -> tuple[Span, str | None]:
    """Return what a history is asked of: the span, and the namespace if it shall be one alone."""
    query = request.query(allowed=("from", "to", "granularity", "namespace"))
    asked = span(
        _granularity(query.get("granularity", Granularity.DAY)),
        _day("from", query.get("from"), first_day),
        _day("to", query.get("to"), last_day),
        today=today,
    )
    return asked, identifiers.namespace(query["namespace"]) if "namespace" in query else None


def show_month(report: Report) -> Response:
    """Answer with the use of a month, against the plan's limits."""
    standing, use = report.standing, report.use
    plan = standing.plan
    # What is told out of order, such as a deletion before what it deletes, may be below zero until the rest has come.
    requests, stored = max(0, use.requests), max(0, standing.stored_bytes)
    return json_response(
        {
            "period": use.month,
            "plan": plan.name,
            "requests": {
                "used": requests,
                "limit": plan.requests_per_month,
                "percent": percent(requests, plan.requests_per_month),
                **_show_served(use.served),
            },
            "storage": {
                "used_bytes": stored,
                "limit_bytes": plan.storage_bytes,
                "percent": percent(stored, plan.storage_bytes),
                "keys": max(0, standing.stored_keys),
            },
            "by_namespace": [_show_name(one) for one in report.namespaces],
            "updated_at": None if use.updated_at_s is None else timestamp(use.updated_at_s * 1000),
        }
    )


def show_history(asked: Span, namespace: str | None, served: Mapping[str, Served]) -> Response:
    """Answer with what was served in each period."""
    return json_response(
        {
            "from": asked.first.isoformat(),
            "to": asked.last.isoformat(),
            "granularity": asked.granularity,
            "namespace": namespace,
            "history": [
                {"period": period, "requests": sum(one.requests.values()), **_show_served(one)}
                for period, one in served.items()
            ],
        }
    )


def _show_served(served: Served) -> dict[str, object]:
    by_operation = {name: count for name, count in sorted(served.requests.items()) if count > 0}
    return {"by_operation": by_operation, "bytes_in": served.bytes_in}


def _show_name(use: NameUse) -> dict[str, object]:
    return {
        "namespace": use.name,
        "requests": sum(use.served.requests.values()),
        "bytes_in": use.served.bytes_in,
        "stored_bytes": max(0, use.stored_bytes),
        "keys": max(0, use.stored_keys),
    }


def _granularity(text: str) -> Granularity:
    try:
        return Granularity(text)
    except ValueError as error:
        allowed = ", ".join(Granularity)
        raise field_error("granularity", "not_allowed", f"The granularity is one of {allowed}.") from error


def _day(field: str, text: str | None, of_month: Callable[[str], date]) -> date | None:
    """Return the day that a parameter means; a month means its first or its last."""
    if text is None:
        return None
    try:
        if _MONTH.fullmatch(text):
            return of_month(text)
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise field_error(field, "invalid_format", f"'{field}' is a day (2026-11-20) or a month (2026-11).")
