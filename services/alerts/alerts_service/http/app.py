"""alerts's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from alerts_service import model as domain
from alerts_service import unsubscribe_link
from alerts_service.container import Alerts, bootstrap
from alerts_service.http import responses as presentation
from kv_common.auth.bearer import authenticated_account
from kv_common.http import Api, Request, Response, no_content
from kv_common.http.health import add_health

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts_service.http import request_models

REQUESTS = "alerts_service.http.request_models"
RESPONSES = "alerts_service.http.response_models"


def create_app(make: Callable[[], Alerts] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("alerts")
    alerts = cache(make)
    _add_alerts(app, alerts)
    _add_preferences(app, alerts)
    _add_unsubscribe(app, alerts)
    add_health(app, "alerts", lambda: alerts().check())
    return app


def _add_alerts(app: Api, alerts: Callable[[], Alerts]) -> None:
    @app.route(
        "/v1/alerts",
        methods=["GET"],
        caller=_account(alerts),
        query=f"{REQUESTS}:ListAlerts",
        responses={200: f"{RESPONSES}:Alerts"},
    )
    def list_alerts(_: Request, *, caller: str, query: request_models.ListAlerts) -> Response:
        page = alerts().inbox.page(caller, limit=query.limit, cursor=query.cursor, unread=query.unread == "true")
        return presentation.show_page(page)

    @app.route("/v1/alerts/{alert_id}/read", methods=["POST"], caller=_account(alerts), responses={204: None})
    def mark_read(_: Request, alert_id: str, *, caller: str) -> Response:
        alerts().inbox.mark_read(caller, domain.given_alert_id(alert_id))
        return no_content()


def _add_preferences(app: Api, alerts: Callable[[], Alerts]) -> None:
    path, shown = "/v1/alerts/preferences", {200: f"{RESPONSES}:Preferences"}

    @app.route(path, methods=["GET"], caller=_account(alerts), responses=shown)
    def get_preferences(_: Request, *, caller: str) -> Response:
        return presentation.show_preferences(alerts().inbox.preferences(caller))

    @app.route(path, methods=["PUT"], caller=_account(alerts), body=f"{REQUESTS}:NewPreferences", responses=shown)
    def put_preferences(_: Request, *, caller: str, body: request_models.NewPreferences) -> Response:
        return presentation.show_preferences(
            alerts().inbox.set_preferences(caller, email=body.email, thresholds=body.thresholds)
        )


def _add_unsubscribe(app: Api, alerts: Callable[[], Alerts]) -> None:
    path, link = unsubscribe_link.PATH, f"{REQUESTS}:UnsubscribeLink"

    @app.route(path, methods=["GET"], query=link, responses={200: None})
    def confirm_unsubscribe(_: Request, *, query: request_models.UnsubscribeLink) -> Response:
        # Changes nothing: programs that open the links of a mail before its reader does must not unsubscribe anyone.
        alerts().inbox.account_of_link(query.token)
        return presentation.show_confirmation(query.token)

    # The page's form, and the one click of a mail program (RFC 8058), which sends a form as the body. The link alone
    # decides, so the body is not read.
    @app.route(path, methods=["POST"], query=link, responses={200: None})
    def unsubscribe_account(_: Request, *, query: request_models.UnsubscribeLink) -> Response:
        alerts().inbox.unsubscribe(query.token)
        return presentation.show_unsubscribed()


def _account(alerts: Callable[[], Alerts]) -> Callable[[Request], str]:
    """Return a function of the request that returns the id of the caller's account."""
    return lambda request: authenticated_account(request, alerts().verify_token)
