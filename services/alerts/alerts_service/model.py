"""Alerts and the mails that go with them: what they are and the rules they obey, without any store."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from kv_common import base62
from kv_common.errors import NotFound, field_error

THRESHOLDS = (80, 90, 100)
"""Percentages of a limit that an account can be alerted about."""

DEFAULT_PAGE = 50
MAX_PAGE = 100

ALERT_KEPT_S = 400 * 86_400

MAIL_ATTEMPTS = 7
"""Tries of one mail before it rests in the dead-letter queue: MailQueue's `maxReceiveCount`."""

MAX_BOUNCES = 3
"""How often a mail that came back for a passing reason is sent anew."""

LEASE_MS = 30_000
"""How long a sender owns a mail: longer than its function may run, shorter than a message stays invisible."""

_FIRST_DELAY_S = 30
_LONGEST_DELAY_S = 4 * 3_600
_TIME_WIDTH = 9  # microseconds until the year 2398
_DIGEST_WIDTH = 8
ALERT_ID_PATTERN = re.compile(r"alert_[0-9A-Za-z]{17}", re.ASCII)


class Kind(StrEnum):
    """What an alert is about."""

    WELCOME = "welcome"
    USAGE_THRESHOLD = "usage_threshold"
    PLAN_CHANGED = "plan_changed"
    PLAN_CHANGE_SCHEDULED = "plan_change_scheduled"
    PAYMENT_FAILED = "payment_failed"
    API_KEY_ISSUED = "api_key_issued"
    API_KEY_REVOKED = "api_key_revoked"


class MailStatus(StrEnum):
    """What has become of an alert's mail.

    OFF                                     the owner wants none
    PENDING → SENDING → SENT → BOUNCED | COMPLAINED
              SENDING → RETRYING → SENDING  refused, and tried again
              SENDING → FAILED → SENDING    refused for good, until a redrive tries again
    SENT → PENDING                          came back for a passing reason
    """

    OFF = "off"
    PENDING = "pending"
    SENDING = "sending"
    RETRYING = "retrying"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"


class OffReason(StrEnum):
    """Why an account gets no mail, where its owner has not said so in the preferences."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class Alert:
    """A stored notification; `data` is JSON text."""

    id: str
    kind: Kind
    title: str
    message: str
    data: str
    created_at_ms: int
    mail: MailStatus
    read_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What an account wants to hear of; `off_reason` and `off_at_ms` say why mail is off without the owner's wish."""

    email: bool = True
    thresholds: tuple[int, ...] = THRESHOLDS
    off_reason: OffReason | None = None
    off_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some alerts, newest first, and where to go on, None at the end."""

    alerts: tuple[Alert, ...]
    next: str | None


def alert_id(event_name: str, event_id: str, occurred_at_us: int) -> str:
    """Return the id of the alert that an event makes: the same for every delivery, and in the order of time."""
    digest = hashlib.sha256(f"{event_name} {event_id}".encode()).digest()
    tail = int.from_bytes(digest[:8], "big") % 62**_DIGEST_WIDTH
    return f"alert_{base62.encode(occurred_at_us, _TIME_WIDTH)}{base62.encode(tail, _DIGEST_WIDTH)}"


def given_alert_id(text: str) -> str:
    """Return `text` if it can be an alert's id; else there is no such alert."""
    if not ALERT_ID_PATTERN.fullmatch(text):
        raise no_such_alert()
    return text


def no_such_alert() -> NotFound:
    """Say that there is no such alert, in the same words whether it is missing or another account's."""
    return NotFound("There is no such alert.", details={"resource": "alert"})


def wanted_thresholds(given: tuple[int, ...]) -> tuple[int, ...]:
    """Return the thresholds an owner asks for, in order."""
    if not set(given) <= set(THRESHOLDS) or len(set(given)) != len(given):
        raise field_error(
            "thresholds", "invalid_list", f"The thresholds are some of {', '.join(map(str, THRESHOLDS))}, each once."
        )
    return tuple(sorted(given))


def retry_delay_s(attempt: int) -> int:
    """Return after how many seconds a mail is tried again, when `attempt` tries have failed."""
    if attempt >= MAIL_ATTEMPTS:
        return 0  # the next delivery is the one that goes to the dead-letter queue
    return int(min(_FIRST_DELAY_S * 4 ** (attempt - 1), _LONGEST_DELAY_S))
