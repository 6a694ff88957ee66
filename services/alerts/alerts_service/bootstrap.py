"""Binds alerts's dependencies, once per process and at its first request."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts_service.settings import Settings
from alerts_service.store import AlertsStore
from kv_common import dynamodb
from kv_common.tokens import SigningKeys, TokenVerifier
from kv_common.tokens.http_source import http_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.tokens import AccessToken


@dataclass(frozen=True, slots=True)
class Alerts:
    """All that the routes need."""

    settings: Settings
    store: AlertsStore
    verify_token: Callable[[str], AccessToken]


def bootstrap(env: Mapping[str, str] = os.environ) -> Alerts:
    """Return alerts with real clocks and clients."""
    settings = Settings.from_env(env)
    keys = SigningKeys(http_source(settings.jwks_url), time.monotonic)
    return Alerts(
        settings=settings,
        store=AlertsStore(dynamodb.client(), settings.table),
        verify_token=TokenVerifier(keys, settings.token_issuer, settings.token_client_ids).verify,
    )
