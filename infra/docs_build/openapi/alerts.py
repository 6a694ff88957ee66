"""alerts' operations."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from alerts_service import model as domain
from alerts_service import unsubscribe_link
from alerts_service.http import responses as presentation
from infra.docs_build.openapi.operation import Access, Answer, Body, Example, Operation, Parameter
from infra.docs_build.openapi.schemas import array, struct_body, text
from infra.docs_build.openapi.shared import Timestamp, cursor, errors, health, limit, one_of

HTML = "text/html"
TOKEN = Parameter("token", "query", text(), "From the link in the mail.", required=True)
Threshold = Annotated[int, Meta(extra_json_schema={"enum": list(domain.THRESHOLDS)})]


class Mail(msgspec.Struct):
    """What has become of an alert's mail."""

    status: domain.MailStatus


class Alert(msgspec.Struct):
    """Something the account has to know."""

    id: Annotated[str, Meta(extra_json_schema=text(domain._ALERT_ID))]
    kind: domain.Kind
    title: str
    message: str
    data: Annotated[dict[str, Any], Meta(description="What it is about, for programs.")]
    created_at: Timestamp
    read: bool
    email: Mail


class Alerts(msgspec.Struct):
    """A page of alerts, newest first; without a `cursor` it is the last."""

    alerts: tuple[Alert, ...]
    cursor: str | UnsetType = UNSET


class MailOff(msgspec.Struct):
    """Why there is no mail although the owner has not said so here."""

    reason: domain.OffReason
    since: Timestamp


class Preferences(msgspec.Struct):
    """What the account wants to hear of."""

    email: bool
    thresholds: tuple[Threshold, ...]
    email_off: MailOff | UnsetType = UNSET


OPERATIONS = (
    Operation(
        route="GET /v1/alerts",
        id="listAlerts",
        tag="Alerts",
        summary="What the account has to know",
        access=Access.SESSION,
        parameters=(
            limit(domain.MAX_PAGE, domain.DEFAULT_PAGE),
            cursor("alerts"),
            Parameter("unread", "query", {**one_of("true", "false"), "default": "false"}, "Only those not read yet."),
        ),
        example=Example("/v1/alerts?limit=20&unread=true", gives={"ALERT_ID": "alerts.0.id"}),
        answers={200: Answer("A page of alerts.", Alerts)},
        errors=errors(401),
    ),
    Operation(
        route="POST /v1/alerts/{alert_id}/read",
        id="markAlertRead",
        tag="Alerts",
        summary="Mark an alert as read",
        access=Access.SESSION,
        parameters=(Parameter("alert_id", "path", text(domain._ALERT_ID), "The id of an alert.", required=True),),
        example=Example("/v1/alerts/$ALERT_ID/read"),
        answers={204: Answer("It counts as read.")},
        errors=errors(401, 404),
    ),
    Operation(
        route="GET /v1/alerts/preferences",
        id="getPreferences",
        tag="Alerts",
        summary="What is mailed",
        access=Access.SESSION,
        example=Example("/v1/alerts/preferences"),
        answers={200: Answer("The preferences.", Preferences)},
        errors=errors(401),
    ),
    Operation(
        route="PUT /v1/alerts/preferences",
        id="setPreferences",
        tag="Alerts",
        summary="Say what is to be mailed",
        says="All of it, so that nothing is turned on by omission.",
        access=Access.SESSION,
        body=struct_body(
            presentation.NewPreferences,
            email={"type": "boolean", "description": "Whether alerts come by mail too."},
            thresholds=array(
                {"type": "integer", "enum": list(domain.THRESHOLDS)},
                uniqueItems=True,
                description="At how many percent of a limit to tell.",
            ),
        ),
        example=Example("/v1/alerts/preferences", '{"email": true, "thresholds": [80, 100]}'),
        answers={200: Answer("The preferences as they are now.", Preferences)},
        errors=errors(401, 413),
    ),
    Operation(
        route=f"GET {unsubscribe_link.PATH}",
        id="askToUnsubscribe",
        tag="Alerts",
        summary="The page behind the link in every mail",
        says="It changes nothing: programs that look at a mail's links must not unsubscribe anyone.",
        access=Access.PUBLIC,
        parameters=(TOKEN,),
        example=Example(f"{unsubscribe_link.PATH}?token=$UNSUBSCRIBE"),
        answers={200: Answer("A page that asks.", {"type": "string"}, ("Content-Security-Policy",), media_type=HTML)},
        errors=errors(),
    ),
    Operation(
        route=f"POST {unsubscribe_link.PATH}",
        id="unsubscribe",
        tag="Alerts",
        summary="Turn mail off",
        says="What the page's form sends, and a mail program's one click (RFC 8058). The body is not read.",
        access=Access.PUBLIC,
        parameters=(TOKEN,),
        body=Body("OneClick", {"type": "object"}, required=False, media_type="application/x-www-form-urlencoded"),
        example=Example(f"{unsubscribe_link.PATH}?token=$UNSUBSCRIBE"),
        answers={
            200: Answer("A page that says so.", {"type": "string"}, ("Content-Security-Policy",), media_type=HTML)
        },
        errors=errors(),
    ),
    health("alerts", {"dynamodb": ("ok", "down")}),
)
