"""How requests for usage are read and how answers look."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from kv_common.clock import timestamp
from kv_common.http import Response, json_response
from usage_service.domain.periods import MONTH_PATTERN, first_day, last_day
from usage_service.domain.reports import Granularity, span
from usage_service.domain.thresholds import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.events import Served
    from usage_service.domain.reports import NameUse, Report, Span
    from usage_service.http.request_models import History


def span_of(query: History, *, today: date) -> Span:
    """Return the days of which the history is requested."""
    return span(Granularity(query.granularity), _day(query.first, first_day), _day(query.to, last_day), today=today)


def show_month(report: Report) -> Response:
    """Answer with the use of a month, against the plan's limits."""
    standing, use = report.standing, report.use
    plan = standing.plan
    # Reports out of order, such as a deletion before what it deletes, may be below zero until the rest has come.
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


def _day(text: str | None, of_month: Callable[[str], date]) -> date | None:
    """Return the day that a parameter means; a month means its first or its last."""
    if text is None:
        return None
    return of_month(text) if MONTH_PATTERN.fullmatch(text) else date.fromisoformat(text)
