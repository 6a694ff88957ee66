"""As much of Paddle's API as billing uses, over HTTP, on what the simulator keeps.

https://developer.paddle.com/api-reference
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from infra.local.ports import HOST

if TYPE_CHECKING:
    from infra.paddle_simulator.entities import JSON
    from infra.paddle_simulator.subscription_store import SubscriptionStore

_ROUTE = re.compile(r"/(subscriptions|customers)(?:/([a-z0-9_]+))?(?:/(cancel|portal-sessions))?")


class PaddleApi:
    """The API on a port of this machine, served by a thread. It sends no webhooks: the simulator does."""

    def __init__(self, shelf: SubscriptionStore) -> None:
        self._shelf = shelf
        self._server: ThreadingHTTPServer | None = None
        self.available = True
        """Whether it answers: a test may say no."""

    @property
    def url(self) -> str:
        """Its address, while it runs."""
        return "" if self._server is None else f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        """Serve until `stop`."""
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop serving; harmless when it does not."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, target: str, body: JSON) -> tuple[int, JSON]:
        """Answer one request: status and JSON."""
        parts = urlsplit(target)
        found = _ROUTE.fullmatch(parts.path)
        match (method, *(found.groups() if found else ())):
            case ("GET", "subscriptions", None, None):
                wanted = parse_qs(parts.query).get("status", [""])[0].split(",")
                data = [one for one in self._shelf.all() if one["status"] in wanted]
                return 200, {"data": data, "meta": {"pagination": {"next": "", "has_more": False}}}
            case ("GET", "subscriptions", str(identity), None):
                entity = self._shelf.entity(identity)
                return (404, _error("entity_not_found")) if entity is None else (200, {"data": entity})
            case ("PATCH", "subscriptions", str(identity), None):
                return self._change(identity, {"price_id": body["items"][0]["price_id"]})
            case ("POST", "subscriptions", str(identity), "cancel"):
                return self._change(identity, {"status": "canceled", "scheduled": None})
            case ("POST", "customers", str(identity), "portal-sessions"):
                overview = f"https://customer-portal.example.com/{identity}"
                return 201, {"data": {"urls": {"general": {"overview": overview}, "subscriptions": []}}}
            case _:
                return 404, _error("not_found")

    def _change(self, subscription_id: str, changes: dict[str, Any]) -> tuple[int, JSON]:
        bought = self._shelf.get(subscription_id)
        if bought is None:
            return 404, _error("entity_not_found")
        if bought.status == "canceled":
            return 400, _error("subscription_is_canceled_action_invalid")
        return 200, {"data": self._shelf.put(replace(bought, **changes), datetime.now(UTC))}


def _error(code: str) -> JSON:
    return {"error": {"type": "request_error", "code": code, "detail": code}}


def _handler(api: PaddleApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not api.available:
                status, answer = 503, _error("unavailable")
            elif not (self.headers.get("Authorization") or "").startswith("Bearer pdl_"):
                status, answer = 403, _error("authentication_malformed")
            else:
                status, answer = api.answer(self.command, self.path, json.loads(text or b"{}"))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  # the names that the server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing: the functions log what they asked for."""

    return Handler
