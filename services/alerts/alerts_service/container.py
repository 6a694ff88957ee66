"""Binds alerts's dependencies, once per process and at its first request or event."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts_service.mail.feedback import Feedback
from alerts_service.mail.sender import Sender
from alerts_service.mail.ses_mailer import SesMailer, ses
from alerts_service.persistence import AlertStore, MailStore, PreferenceStore
from alerts_service.service import Inbox, Intake
from kv_common import dynamodb
from kv_common.auth.access_tokens import access_token_verifier
from kv_common.clock import now_ms
from kv_common.events.processed_events import ProcessedEvents
from kv_common.settings import required
from kv_common.shared_secret import SharedSecret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from alerts_service.settings import SenderSettings
    from kv_common.auth.verifier import AccessToken

_SECRET = "SIGNING_SECRET"  # noqa: S105  # the item's name


@dataclass(frozen=True, slots=True)
class Alerts:
    """All that the routes need."""

    inbox: Inbox
    verify_token: Callable[[str], AccessToken]
    check: Callable[[], object]


def bootstrap(env: Mapping[str, str] = os.environ) -> Alerts:
    """Return what the routes need, with real clocks and clients."""
    client, table = dynamodb.client(), required(env, "TABLE")
    store = _alert_store(client, table)
    secret = SharedSecret(client, table, _SECRET)
    return Alerts(
        inbox=Inbox(store, PreferenceStore(client, table), secret=secret.get, now_ms=now_ms),
        verify_token=access_token_verifier(env),
        check=store.check,
    )


def make_intake(env: Mapping[str, str] = os.environ) -> Intake:
    """Return what other services' events need."""
    client, table = dynamodb.client(), required(env, "TABLE")
    return Intake(_alert_store(client, table), PreferenceStore(client, table), now_ms=now_ms)


def make_sender(settings: SenderSettings) -> Sender:
    """Return what the sending of mails needs."""
    client = dynamodb.client()
    return Sender(
        MailStore(client, settings.table),
        SesMailer(ses(), settings.mail_from, settings.configuration_set),
        api_url=settings.api_url,
        dashboard_url=settings.dashboard_url,
        secret=SharedSecret(client, settings.table, _SECRET).get,
        now_ms=now_ms,
    )


def make_feedback(env: Mapping[str, str] = os.environ) -> Feedback:
    """Return what SES's events need."""
    client, table = dynamodb.client(), required(env, "TABLE")
    return Feedback(MailStore(client, table), PreferenceStore(client, table), now_ms=now_ms)


def _alert_store(client: DynamoDBClient, table: str) -> AlertStore:
    return AlertStore(client, table, ProcessedEvents(client, table, now_s=time.time))
