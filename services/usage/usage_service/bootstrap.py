"""Binds usage's dependencies, once per process: for the routes at the first request, for events at the first batch."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kv_common import accounts, dynamodb
from kv_common.events.once import Once
from usage_service.late import report_late
from usage_service.operations import Meter, Reports, Standings, Thresholds
from usage_service.settings import ConsumerSettings, Settings
from usage_service.store import MeterStore, ReportStore, StandingStore, ThresholdStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.tokens import AccessToken


@dataclass(frozen=True, slots=True)
class Usage:
    """All that the routes need."""

    reports: Reports
    verify_token: Callable[[str], AccessToken]
    now_s: Callable[[], float]
    check: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Consumers:
    """All that the handlers of events need."""

    meter: Meter
    standings: Standings
    forget: Callable[[str], None]


def bootstrap(env: Mapping[str, str] = os.environ) -> Usage:
    """Return usage's routes with real clocks and clients."""
    from kv_common.tokens import SigningKeys, TokenVerifier
    from kv_common.tokens.http_source import http_source

    settings = Settings.from_env(env)
    client = dynamodb.client()
    standings = _standings(client, settings.table)
    keys = SigningKeys(http_source(settings.jwks_url), time.monotonic)
    return Usage(
        reports=Reports(standings, ReportStore(client, settings.table), now_s=time.time),
        verify_token=TokenVerifier(keys, settings.token_issuer, settings.token_client_ids).verify,
        now_s=time.time,
        check=standings.check,
    )


def bootstrap_consumers(env: Mapping[str, str] = os.environ) -> Consumers:
    """Return what handles events, with real clocks and clients."""
    settings = ConsumerSettings.from_env(env)
    client, table = dynamodb.client(), settings.table
    standings = _standings(client, table)
    thresholds = Thresholds(standings, ThresholdStore(client, table), now_s=time.time)
    return Consumers(
        meter=Meter(
            MeterStore(client, table, now_s=time.time),
            thresholds,
            now_s=time.time,
            too_late=partial(report_late, settings.stage),
        ),
        standings=Standings(standings, thresholds),
        forget=lambda account_id: accounts.forget(client, table, account_id, now_s=time.time()),
    )


def _standings(client: DynamoDBClient, table: str) -> StandingStore:
    return StandingStore(client, table, Once(client, table, now_s=time.time))
