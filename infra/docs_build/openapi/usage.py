"""usage's operations."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

from infra.docs_build.openapi.operation import Access, Answer, Example, Json, Operation, Parameter
from infra.docs_build.openapi.schemas import text
from infra.docs_build.openapi.shared import NAMESPACE_NAME, PLAN, Count, Timestamp, errors, health, one_of
from usage_service.domain import reports
from usage_service.http.responses import _DAY, _MONTH

DAY: Json = text(rf"{_DAY.pattern}|{_MONTH.pattern}", examples=["2026-11-20", "2026-11"])
Month = Annotated[str, Meta(extra_json_schema=text(_MONTH))]
Period = Annotated[str, Meta(extra_json_schema=DAY)]
Percent = Annotated[float, Meta(ge=0)]
ByOperation = Annotated[dict[str, Count], Meta(description="Requests by what they did.")]


class RequestsUsed(msgspec.Struct):
    """The requests of the month."""

    used: Count
    limit: Count
    percent: Percent
    by_operation: ByOperation
    bytes_in: Count


class StorageUsed(msgspec.Struct):
    """What is stored now."""

    used_bytes: Count
    limit_bytes: Count
    percent: Percent
    keys: Count


class NamespaceUsage(msgspec.Struct):
    """What one name has used; null stands for requests that named no namespace of the account."""

    namespace: str | None
    requests: Count
    bytes_in: int
    stored_bytes: Count
    keys: Count


class Usage(msgspec.Struct):
    """What the account has used in this month."""

    period: Month
    plan: Annotated[str, Meta(extra_json_schema=PLAN)]
    requests: RequestsUsed
    storage: StorageUsed
    by_namespace: tuple[NamespaceUsage, ...]
    updated_at: Annotated[Timestamp | None, Meta(description="Null when nothing has been counted yet.")]


class PeriodUsage(msgspec.Struct):
    """What was served in one period."""

    period: Period
    requests: Count
    by_operation: ByOperation
    bytes_in: int


class UsageHistory(msgspec.Struct):
    """What was served, period by period."""

    first: Annotated[str, Meta(extra_json_schema={"format": "date"})] = field(name="from")
    to: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    granularity: reports.Granularity
    namespace: str | None
    history: tuple[PeriodUsage, ...]


OPERATIONS = (
    Operation(
        route="GET /v1/usage",
        id="getUsage",
        tag="Usage",
        summary="What this month has used",
        says="Some seconds behind: requests are told once a minute, storage within seconds.",
        access=Access.SESSION,
        example=Example("/v1/usage"),
        answers={200: Answer("The month so far.", Usage)},
        errors=errors(401),
    ),
    Operation(
        route="GET /v1/usage/history",
        id="getUsageHistory",
        tag="Usage",
        summary="What was used, by day or month",
        access=Access.SESSION,
        parameters=(
            Parameter("from", "query", DAY, "The first day; a month means its first."),
            Parameter("to", "query", DAY, "The last day, today by default; a month means its last."),
            Parameter(
                "granularity",
                "query",
                {**one_of(*reports.Granularity), "default": str(reports.Granularity.DAY)},
                f"How long a period is: {reports.MAX_DAYS} days at most, or {reports.MAX_MONTHS} months.",
            ),
            Parameter("namespace", "query", NAMESPACE_NAME, "Only what was used under this name."),
        ),
        example=Example("/v1/usage/history?granularity=month"),
        answers={200: Answer("The history.", UsageHistory)},
        errors=errors(401, 404, _400="The request is malformed, or the history ends before it begins or is too long."),
    ),
    health("usage", {"dynamodb": ("ok", "down")}),
)
