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
from kv_common.json.strict import decode_object

if TYPE_CHECKING:
    from collections.abc import Callable


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
    @app.route("/v1/alerts", methods=["GET"])
    def list_alerts(request: Request) -> Response:
        account_id = authenticated_account(request, alerts().verify_token)
        query = request.query(allowed=("limit", "cursor", "unread"))
        page = alerts().inbox.page(
            account_id,
            limit=domain.page_limit(query.get("limit")),
            cursor=query.get("cursor"),
            unread=domain.unread_only(query.get("unread")),
        )
        return presentation.show_page(page)

    @app.route("/v1/alerts/{alert_id}/read", methods=["POST"])
    def mark_read(request: Request, alert_id: str) -> Response:
        account_id = _owner(request, alerts())
        alerts().inbox.mark_read(account_id, domain.given_alert_id(alert_id))
        return no_content()


def _add_preferences(app: Api, alerts: Callable[[], Alerts]) -> None:
    @app.route("/v1/alerts/preferences", methods=["GET"])
    def get_preferences(request: Request) -> Response:
        account_id = _owner(request, alerts())
        return presentation.show_preferences(alerts().inbox.preferences(account_id))

    @app.route("/v1/alerts/preferences", methods=["PUT"])
    def put_preferences(request: Request) -> Response:
        account_id = _owner(request, alerts())
        body = decode_object(request.body, presentation.NewPreferences)
        thresholds = domain.wanted_thresholds(body.thresholds)
        return presentation.show_preferences(
            alerts().inbox.set_preferences(account_id, email=body.email, thresholds=thresholds)
        )


def _add_unsubscribe(app: Api, alerts: Callable[[], Alerts]) -> None:
    @app.route(unsubscribe_link.PATH, methods=["GET"])
    def confirm_unsubscribe(request: Request) -> Response:
        # Changes nothing: programs that look at a mail's links before its reader does must not unsubscribe anyone.
        token = request.query(allowed=("token",)).get("token", "")
        alerts().inbox.account_of_link(token)
        return presentation.show_confirmation(token)

    # The page's form, and the one click of a mail program (RFC 8058), whose form is in the body. That form says
    # nothing that the link does not, so it is not read.
    @app.route(unsubscribe_link.PATH, methods=["POST"])
    def unsubscribe_account(request: Request) -> Response:
        alerts().inbox.unsubscribe(request.query(allowed=("token",)).get("token", ""))
        return presentation.show_unsubscribed()


def _owner(request: Request, alerts: Alerts) -> str:
    """Return the account whose session the request belongs to."""
    account_id = authenticated_account(request, alerts.verify_token)
    request.query(allowed=())
    return account_id
