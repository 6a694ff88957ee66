"""The response bodies of alerts' routes: their schemas, which tests check every response against."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from alerts_service import model as domain
from kv_common.http.models import ResponseModel, Timestamp

Threshold = Annotated[int, Field(json_schema_extra={"enum": list(domain.THRESHOLDS)})]


class Mail(ResponseModel):
    """The state of an alert's mail."""

    status: domain.MailStatus


class Alert(ResponseModel):
    """A notification for the account."""

    id: Annotated[str, Field(pattern=f"^(?:{domain.ALERT_ID_PATTERN.pattern})$")]
    kind: domain.Kind
    title: str
    message: str
    data: Annotated[dict[str, Any], Field(description="The subject of the alert, for programs.")]
    created_at: Timestamp
    read: bool
    email: Mail


class Alerts(ResponseModel):
    """A page of alerts, newest first; the last page has no `cursor`."""

    alerts: tuple[Alert, ...]
    cursor: str | None = None


class MailOff(ResponseModel):
    """Why mail is off although the owner has not turned it off here."""

    reason: domain.OffReason
    since: Timestamp


class Preferences(ResponseModel):
    """The alerts that the account wants, and whether by mail."""

    email: bool
    thresholds: tuple[Threshold, ...]
    email_off: MailOff | None = None
