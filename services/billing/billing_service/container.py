"""Binds billing's dependencies, each when it is first needed: a webhook needs few of them, and has little time."""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from billing_service.secret_values import Cached, PaddleKeys, parse_binding_secrets, secret_reader
from billing_service.settings import ApiSettings, Settings
from billing_service.webhook_queue import WebhookQueue
from kv_common import dynamodb
from kv_common.auth.access_tokens import access_token_verifier
from kv_common.settings import required
from kv_common.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from billing_service.paddle.http_client import HttpPaddle
    from billing_service.persistence import BillingStore
    from billing_service.reconciliation import Reconciliation
    from billing_service.service import Purchases
    from billing_service.subscription_sync import SubscriptionSync
    from billing_service.webhooks import WebhookConsumer, WebhookIngress
    from kv_common.auth.verifier import AccessToken


class Billing:
    """All that the routes and the other functions need."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._env = env
        self.settings = Settings.from_env(env)

    @cached_property
    def api_settings(self) -> ApiSettings:
        """What only the routes need."""
        return ApiSettings.from_env(self._env)

    @cached_property
    def store(self) -> BillingStore:
        """The table."""
        from billing_service.persistence import BillingStore

        return BillingStore(dynamodb.client(), self.settings.table, now_s=time.time)

    @cached_property
    def paddle(self) -> HttpPaddle:
        """Paddle's API."""
        from billing_service.paddle.http_client import HttpPaddle

        return HttpPaddle(self.settings.paddle_api_url, lambda: self.paddle_keys.get().api_key)

    @cached_property
    def ledger(self) -> SubscriptionSync:
        """Where subscriptions are taken into accounts."""
        from billing_service.subscription_sync import SubscriptionSync

        return SubscriptionSync(self.store, self.paddle, self.settings.prices, self._binding_secrets.get)

    @cached_property
    def ingress(self) -> WebhookIngress:
        """Where webhooks come in."""
        from billing_service.webhooks import WebhookIngress

        return WebhookIngress(
            WebhookQueue(_client("sqs"), self.api_settings.webhook_queue_url),
            lambda: self.paddle_keys.get().webhook_secrets,
            tolerance_s=self.api_settings.webhook_tolerance_s,
            emit_metric=self.emit_metric,
        )

    @cached_property
    def consumer(self) -> WebhookConsumer:
        """Where webhooks are applied."""
        from billing_service.webhooks import WebhookConsumer

        inbox = WebhookQueue(_client("sqs"), "", required(self._env, "WEBHOOK_DEAD_LETTERS_URL"))
        return WebhookConsumer(self.ledger, inbox, emit_metric=self.emit_metric)

    @cached_property
    def purchases(self) -> Purchases:
        """What an owner can do."""
        from billing_service.service import Purchases

        return Purchases(self.store, self.paddle, self.settings.prices, self._binding_secrets.get)

    @cached_property
    def reconciliation(self) -> Reconciliation:
        """What runs every hour."""
        from billing_service.reconciliation import Reconciliation

        return Reconciliation(
            self.ledger,
            self.store,
            self.paddle,
            sells=bool(self.settings.prices.plans),
            now_us=now_us,
            emit_metric=self.emit_metric,
        )

    @cached_property
    def paddle_keys(self) -> Cached[PaddleKeys]:
        """What Paddle gave the operator."""
        read = secret_reader(self._secrets, self.settings.paddle_secret, PaddleKeys.parse)
        return Cached(read, time.monotonic, empty=PaddleKeys())

    def emit_metric(self, name: str) -> None:
        """Count one occurrence of a metric."""
        metrics.emit_metric(self.settings.stage, "billing", name, 1)

    def verify_token(self, token: str) -> AccessToken:
        """Return what an access token says; Unauthorized when it is not one of ours."""
        return self._verify(token)

    @cached_property
    def _verify(self) -> Callable[[str], AccessToken]:
        return access_token_verifier(self._env)

    @cached_property
    def _binding_secrets(self) -> Cached[tuple[str, ...]]:
        read = secret_reader(self._secrets, self.settings.binding_secret, parse_binding_secrets)
        return Cached(read, time.monotonic, empty=())

    @cached_property
    def _secrets(self) -> Any:
        return _client("secretsmanager")


def now_us() -> int:
    """Return the time by this machine's clock, in microseconds since 1970."""
    return time.time_ns() // 1_000


def _client(service: str) -> Any:
    """Return a client that gives up in time for Paddle to hear of it."""
    import boto3
    from botocore.config import Config

    make: Any = boto3.client
    config = Config(connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 2})
    return make(service, config=config)
