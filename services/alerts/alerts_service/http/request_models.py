"""The request bodies and query parameters of alerts' routes; unknown fields are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alerts_service import model as domain
from kv_common.http.models import FROM_TEXT, Cursor, QueryModel, RequestModel, optional
from kv_common.http.rules import Rule

Thresholds = Annotated[
    tuple[Annotated[int, Field(json_schema_extra={"enum": list(domain.THRESHOLDS)})], ...],
    Rule(domain.wanted_thresholds, uniqueItems=True, description="The percentages of a limit that cause an alert."),
]


class ListAlerts(QueryModel):
    """GET /v1/alerts."""

    limit: Annotated[int, Field(ge=1, le=domain.MAX_PAGE, description="The size of the page."), FROM_TEXT] = (
        domain.DEFAULT_PAGE
    )
    cursor: Annotated[Cursor, Field(description="The `cursor` of the previous page.")] = optional()
    unread: Annotated[Literal["true", "false"], Field(description="Only unread alerts.")] = "false"


class UnsubscribeLink(QueryModel):
    """The link in every mail."""

    token: Annotated[str, Field(description="From the link in the mail.")]


class NewPreferences(RequestModel):
    """PUT /v1/alerts/preferences: every field is required, so that nothing is turned on by omission."""

    email: Annotated[bool, Field(description="Whether alerts are sent by mail too.")]
    thresholds: Thresholds
