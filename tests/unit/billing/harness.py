"""The whole service over fakes, and a caller of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from billing_service.container import Billing
from billing_service.http.app import create_app
from billing_service.secret_values import Cached, PaddleKeys
from billing_service.service import Purchases
from billing_service.webhooks import WebhookIngress
from infra.paddle_simulator.prices import parameter
from kv_common.auth.verifier import AccessToken
from kv_common.errors import Unauthorized
from tests.unit.billing.fakes import ACCOUNT, BINDING, SECRET, FakeBillingStore, FakePaddle, FakeWebhookQueue, prices
from tests.unit.common import gateway
from tests.unit.common.gateway import Context

if TYPE_CHECKING:
    from billing_service.prices import Prices

ENV = {
    "STAGE": "local",
    "TABLE": "billing",
    "PADDLE_SECRET": "paddle",
    "BINDING_SECRET": "binding",
    "PADDLE_PRICES": parameter(),
    "PADDLE_API_URL": "https://sandbox-api.paddle.com",
    "PADDLE_ENVIRONMENT": "sandbox",
    "PADDLE_CLIENT_TOKEN": "test_token",
    "WEBHOOK_QUEUE_URL": "https://sqs/webhooks",
    "WEBHOOK_TOLERANCE_S": "5",
    "TOKEN_ISSUER": "https://issuer",
    "TOKEN_CLIENT_IDS": "client",
    "JWKS_URL": "https://jwks",
}


class Bound(Billing):
    """billing with fakes for all that is outside."""

    def __init__(self, harness: Harness, paddle_secret: str) -> None:
        super().__init__(ENV)
        self._harness = harness
        self.paddle_keys = Cached(lambda: PaddleKeys.parse(paddle_secret), lambda: 0.0, empty=PaddleKeys())
        self.store = harness.store
        self.purchases = Purchases(harness.store, harness.paddle, harness.sold, lambda: BINDING)
        self.ingress = WebhookIngress(
            harness.webhook_queue,
            lambda: self.paddle_keys.get().webhook_secrets,
            tolerance_s=5,
            emit_metric=self.emit_metric,
        )

    def emit_metric(self, name: str) -> None:
        self._harness.measured.append(name)

    def verify_token(self, token: str) -> AccessToken:
        if not token.startswith("access:"):
            raise Unauthorized("The access token is not valid.")
        return AccessToken(token.removeprefix("access:"), {})


class Harness:
    """The service; the token of an account is `access:<account>`."""

    def __init__(
        self,
        *account_ids: str,
        paddle_secret: str = json.dumps({"webhook_secrets": [SECRET]}),
        sold: Prices | None = None,
    ) -> None:
        self.store, self.paddle, self.webhook_queue = FakeBillingStore(*account_ids), FakePaddle(), FakeWebhookQueue()
        self.sold = prices() if sold is None else sold
        self.measured: list[str] = []
        self.lines: list[dict[str, object]] = []
        self.api = create_app(lambda: Bound(self, paddle_secret))
        self.api._log = self.lines.append

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = f"access:{ACCOUNT}", query: str = ""
    ) -> dict[str, Any]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        response: dict[str, Any] = self.api(
            gateway.event(method, path, query=query, headers=headers, body=text), Context()
        )
        return response
