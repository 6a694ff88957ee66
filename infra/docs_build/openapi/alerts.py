"""The prose and the examples of alerts' operations."""

from __future__ import annotations

from alerts_service import unsubscribe_link
from infra.docs_build.openapi.operation import Answer, Body, Example, Json, Operation
from infra.docs_build.openapi.shared import health

_PAGE: Json = {"type": "string"}
_CSP = ("Content-Security-Policy",)

OPERATIONS = (
    Operation(
        route="GET /v1/alerts",
        id="listAlerts",
        tag="Alerts",
        summary="List alerts",
        example=Example("/v1/alerts?limit=20&unread=true", gives={"ALERT_ID": "alerts.0.id"}),
        answers={200: Answer("A page of alerts.")},
    ),
    Operation(
        route="POST /v1/alerts/{alert_id}/read",
        id="markAlertRead",
        tag="Alerts",
        summary="Mark alert as read",
        example=Example("/v1/alerts/$ALERT_ID/read"),
        answers={204: Answer("The alert is marked as read.")},
    ),
    Operation(
        route="GET /v1/alerts/preferences",
        id="getPreferences",
        tag="Alerts",
        summary="Get alert preferences",
        example=Example("/v1/alerts/preferences"),
        answers={200: Answer("The preferences.")},
    ),
    Operation(
        route="PUT /v1/alerts/preferences",
        id="setPreferences",
        tag="Alerts",
        summary="Set alert preferences",
        says="Every field is required, so that nothing is turned on by omission.",
        example=Example("/v1/alerts/preferences", '{"email": true, "thresholds": [80, 100]}'),
        answers={200: Answer("The updated preferences.")},
    ),
    Operation(
        route=f"GET {unsubscribe_link.PATH}",
        id="confirmUnsubscribe",
        tag="Alerts",
        summary="Show the unsubscribe page",
        says="Changes nothing: programs that open the links of a mail must not unsubscribe anyone.",
        example=Example(f"{unsubscribe_link.PATH}?token=$UNSUBSCRIBE"),
        answers={200: Answer("A page with a button.", _PAGE, _CSP, media_type="text/html")},
    ),
    Operation(
        route=f"POST {unsubscribe_link.PATH}",
        id="unsubscribe",
        tag="Alerts",
        summary="Unsubscribe from mail",
        says="The page's form, and the one click of a mail program (RFC 8058). The body is not read.",
        body=Body("OneClick", {"type": "object"}, required=False, media_type="application/x-www-form-urlencoded"),
        example=Example(f"{unsubscribe_link.PATH}?token=$UNSUBSCRIBE"),
        answers={200: Answer("A confirmation page.", _PAGE, _CSP, media_type="text/html")},
    ),
    health("alerts", {"dynamodb": ("ok", "down")}),
)
