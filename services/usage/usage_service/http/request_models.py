"""The query parameters of usage's routes; unknown ones are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kv_common.http.models import NamespaceName, QueryModel, optional
from kv_common.http.rules import Rule
from usage_service.domain import periods
from usage_service.domain.reports import MAX_DAYS, MAX_MONTHS

Period = Annotated[
    str,
    Rule(
        periods.day_or_month,
        f"{periods.DAY_PATTERN.pattern}|{periods.MONTH_PATTERN.pattern}",
        examples=["2026-11-20", "2026-11"],
    ),
]


class History(QueryModel):
    """GET /v1/usage/history."""

    first: Annotated[Period, Field(alias="from", description="The first day; a month means its first.")] = optional()
    to: Annotated[Period, Field(description="The last day, today by default; a month means its last.")] = optional()
    granularity: Annotated[
        Literal["day", "month"],
        Field(description=f"The length of a period: at most {MAX_DAYS} days, or {MAX_MONTHS} months."),
    ] = "day"
    namespace: Annotated[NamespaceName, Field(description="Only the usage of this name.")] = optional()
