"""How answers look: alerts and preferences as JSON, and the page behind the link in every mail."""

from __future__ import annotations

import base64
import hashlib
import html
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

import msgspec

from kv_common.clock import timestamp
from kv_common.http import Response, json_response

if TYPE_CHECKING:
    from alerts_service.model import Alert, Page, Preferences


def show_page(page: Page) -> Response:
    """Answer with a page of alerts; without a cursor it is the last."""
    body: dict[str, object] = {"alerts": [_show_alert(alert) for alert in page.alerts]}
    if page.next is not None:
        body["cursor"] = page.next
    return json_response(body)


def show_preferences(preferences: Preferences) -> Response:
    """Answer with an account's preferences; `email_off` says what turned mail off, if it was not the owner."""
    body: dict[str, object] = {"email": preferences.email, "thresholds": preferences.thresholds}
    if preferences.off_reason is not None and preferences.off_at_ms is not None:
        body["email_off"] = {"reason": preferences.off_reason, "since": timestamp(preferences.off_at_ms)}
    return json_response(body)


def show_confirmation(token: str) -> Response:
    """Answer with the page that asks whether to turn mail off."""
    return _page("confirm.html", token=html.escape(token))


def show_unsubscribed() -> Response:
    """Answer with the page that says that mail is off."""
    return _page("unsubscribed.html")


def _show_alert(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "title": alert.title,
        "message": alert.message,
        "data": msgspec.Raw(alert.data.encode()),
        "created_at": timestamp(alert.created_at_ms),
        "read": alert.read_at_ms is not None,
        "email": {"status": alert.mail},
    }


def _page(name: str, **values: str) -> Response:
    style = _file("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        # The page may show itself and send its form, and nothing else.
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        # The address holds the token.
        "Referrer-Policy": "no-referrer",
    }
    body = Template(_file(name)).substitute(values)
    return Response(200, Template(_file("page.html")).substitute(style=style, body=body), headers)


@cache
def _file(name: str) -> str:
    return (resources.files("alerts_service.http") / "pages" / name).read_text("utf-8")
