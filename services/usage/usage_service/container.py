"""Binds usage's dependencies, once per process: for the routes at the first request, for events at the first batch."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kv_common import account_tombstones, dynamodb
from kv_common.auth.access_tokens import access_token_verifier
from kv_common.events.processed_events import ProcessedEvents
from kv_common.settings import required
from usage_service.late_usage import report_late
from usage_service.persistence import AccountStateStore, LedgerStore, ReportStore, ThresholdStore
from usage_service.service import AccountStates, Reports, Thresholds, UsageLedger
from usage_service.settings import ConsumerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.auth.verifier import AccessToken


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

    meter: UsageLedger
    standings: AccountStates
    forget: Callable[[str], None]


def bootstrap(env: Mapping[str, str] = os.environ) -> Usage:
    """Return usage's routes with real clocks and clients."""
    client, table = dynamodb.client(), required(env, "TABLE")
    standings = _standings(client, table)
    return Usage(
        reports=Reports(standings, ReportStore(client, table), now_s=time.time),
        verify_token=access_token_verifier(env),
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
        meter=UsageLedger(
            LedgerStore(client, table, now_s=time.time),
            thresholds,
            now_s=time.time,
            too_late=partial(report_late, settings.stage),
        ),
        standings=AccountStates(standings, thresholds),
        forget=lambda account_id: account_tombstones.purge(client, table, account_id, now_s=time.time()),
    )


def _standings(client: DynamoDBClient, table: str) -> AccountStateStore:
    return AccountStateStore(client, table, ProcessedEvents(client, table, now_s=time.time))
