"""The response bodies of usage's routes: their schemas, which tests check every response against."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kv_common.http.models import Count, PlanName, ResponseModel, Timestamp
from usage_service.domain import periods
from usage_service.domain.reports import Granularity

Month = Annotated[str, Field(pattern=f"^(?:{periods.MONTH_PATTERN.pattern})$")]
Period = Annotated[str, Field(pattern=f"^(?:{periods.DAY_PATTERN.pattern}|{periods.MONTH_PATTERN.pattern})$")]
Percent = Annotated[float, Field(ge=0)]
ByOperation = Annotated[dict[str, Count], Field(description="Requests by operation.")]
Date = Annotated[str, Field(json_schema_extra={"format": "date"})]


class RequestsUsed(ResponseModel):
    """The requests of the month."""

    used: Count
    limit: Count
    percent: Percent
    by_operation: ByOperation
    bytes_in: Count


class StorageUsed(ResponseModel):
    """The storage in use now."""

    used_bytes: Count
    limit_bytes: Count
    percent: Percent
    keys: Count


class NamespaceUsage(ResponseModel):
    """The usage under one name; null is for requests that named no namespace of the account."""

    namespace: str | None
    requests: Count
    bytes_in: int
    stored_bytes: Count
    keys: Count


class Usage(ResponseModel):
    """The account's usage in this month."""

    period: Month
    plan: PlanName
    requests: RequestsUsed
    storage: StorageUsed
    by_namespace: tuple[NamespaceUsage, ...]
    updated_at: Annotated[Timestamp | None, Field(description="Null when nothing has been counted yet.")]


class PeriodUsage(ResponseModel):
    """The requests of one period."""

    period: Period
    requests: Count
    by_operation: ByOperation
    bytes_in: int


class UsageHistory(ResponseModel):
    """The requests of each period."""

    first: Annotated[Date, Field(alias="from")]
    to: Date
    granularity: Granularity
    namespace: str | None
    history: tuple[PeriodUsage, ...]
