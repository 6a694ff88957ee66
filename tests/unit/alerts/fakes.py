"""What alerts depends on, kept in memory, with the conditions that the table holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alerts_service.mail.sender import NotSent
from alerts_service.mail.ses_mailer import SesMailer
from alerts_service.model import LEASE_MS, Alert, MailStatus, OffReason, Page, Preferences, no_such_alert
from alerts_service.persistence import AccountClosed, AlertStore, MailStore, Outgoing, PreferenceStore, StaleMail
from kv_common.events import (
    AccountCreated,
    ApiKeyIssued,
    ApiKeyRevoked,
    Contract,
    Event,
    PaymentFailed,
    PlanChanged,
    PlanChangeScheduled,
    PlanLimits,
    ThresholdCrossed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts_service.mail.composition import Mail

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
OTHER = "00000000-0000-4000-8000-000000000001"
ADDRESS = "ada@example.com"
NOW_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
SECRET = b"s" * 32
API = "https://api.example.com"

MOMENT = "2026-12-01T00:00:00Z"
FREE = PlanLimits(requests_per_second=10, burst=20, requests_per_month=10_000, storage_bytes=100_000_000)
PRO = PlanLimits(requests_per_second=100, burst=200, requests_per_month=1_000_000, storage_bytes=10_000_000_000)

EVERYTHING: dict[str, Contract] = {
    # By the template that words it.
    "welcome": AccountCreated(email=ADDRESS),
    "requests_nearing": ThresholdCrossed(
        period="2026-11", metric="requests", threshold=80, used=8_012, limit=10_000, plan="free"
    ),
    "requests_used_up": ThresholdCrossed(
        period="2026-12", metric="requests", threshold=100, used=10_000, limit=10_000, plan="free"
    ),
    "storage_nearing": ThresholdCrossed(
        period="2026-11", metric="storage", threshold=90, used=912_345_678, limit=1_000_000_000, plan="starter"
    ),
    "storage_full": ThresholdCrossed(
        period="2026-11", metric="storage", threshold=100, used=1_000_000_001, limit=1_000_000_000, plan="starter"
    ),
    "plan_upgraded": PlanChanged(
        from_plan="free",
        to_plan="pro",
        limits=PRO,
        effective_at=MOMENT,
        changed_at_us=1,
        source_event="evt_1",
        subscription_id="sub_1",
    ),
    "plan_downgraded": PlanChanged(
        from_plan="pro",
        to_plan="free",
        limits=FREE,
        effective_at=MOMENT,
        changed_at_us=2,
        source_event="evt_2",
        subscription_id="sub_1",
    ),
    "plan_limits_changed": PlanChanged(
        from_plan="business",
        to_plan="business",
        limits=PRO,
        effective_at=MOMENT,
        changed_at_us=3,
        source_event="evt_3",
        subscription_id="sub_1",
    ),
    "plan_cancellation_scheduled": PlanChangeScheduled(
        from_plan="pro", to_plan="free", effective_at=MOMENT, reason="canceled"
    ),
    "plan_pause_scheduled": PlanChangeScheduled(from_plan="pro", to_plan="free", effective_at=MOMENT, reason="paused"),
    "plan_downgrade_scheduled": PlanChangeScheduled(
        from_plan="scale", to_plan="starter", effective_at="2026-12-01T01:30:00+01:00", reason="downgraded"
    ),
    "payment_failed": PaymentFailed(
        amount=150_050, currency="USD", subscription_id="sub_1", next_attempt_at="2026-11-23T09:30:00.123456Z"
    ),
    "payment_failed_finally": PaymentFailed(amount=1_500, currency="JPY"),
    "api_key_issued": ApiKeyIssued(
        key_id="key_1", display="kv_live_abc", namespaces=("app", "logs"), scopes=("read", "write")
    ),
    "api_key_revoked": ApiKeyRevoked(key_id="key_1", display="kv_live_abc", digest="d" * 64, reason="deleted"),
}


def new_event(data: Contract, *, event_id: str = "event-1", account_id: str = ACCOUNT) -> Event:
    """Return the event that `data` happened, at NOW_MS."""
    return Event(event_id, account_id, "correlation-1", NOW_MS * 1000, data)


@dataclass
class Clock:
    """A clock that tests move."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class FakeTable:
    """What the table holds."""

    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    mails: dict[tuple[str, str], Outgoing] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    preferences: dict[str, Preferences] = field(default_factory=dict)
    turned_on_ms: dict[str, int] = field(default_factory=dict)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    def status(self, alert_id: str, account_id: str = ACCOUNT) -> MailStatus:
        """Return what has become of an alert's mail."""
        return self.mails[account_id, alert_id].status


class FakeAlertStore(AlertStore):
    """Alerts of accounts."""

    def __init__(self, table: FakeTable) -> None:
        self.table = table

    def check(self) -> None:
        return

    def add(self, event: Event, alert: Alert | None, *, address: str | None = None) -> None:
        if event.id in self.table.seen or event.account_id in self.table.closed:
            return
        self.table.seen.add(event.id)
        if address is not None:
            self.table.addresses[event.account_id] = address
        if alert is not None:
            self.table.alerts[event.account_id, alert.id] = alert
            self.table.mails[event.account_id, alert.id] = Outgoing(
                account_id=event.account_id,
                alert_id=alert.id,
                kind=alert.kind,
                data=alert.data,
                created_at_ms=alert.created_at_ms,
                status=alert.mail,
                attempts=0,
                bounces=0,
                lease_until_ms=0,
                message_id=None,
                address=None,
                preferences=Preferences(),
            )

    def page(self, account_id: str, *, limit: int, after: str | None, unread: bool) -> Page:
        mine = [alert for (owner, _), alert in self.table.alerts.items() if owner == account_id]
        wanted = sorted(
            (
                alert
                for alert in mine
                if (after is None or alert.id < after) and not (unread and alert.read_at_ms is not None)
            ),
            key=lambda alert: alert.id,
            reverse=True,
        )
        return Page(tuple(wanted[:limit]), wanted[limit - 1].id if len(wanted) > limit else None)

    def mark_read(self, account_id: str, alert_id: str, *, now_ms: int) -> None:
        alert = self.table.alerts.get((account_id, alert_id))
        if alert is None:
            raise no_such_alert()
        if alert.read_at_ms is None:
            self.table.alerts[account_id, alert_id] = replace(alert, read_at_ms=now_ms)

    def forget(self, account_id: str, *, now_ms: int) -> None:  # noqa: ARG002
        self.table.closed.add(account_id)
        owned: Any
        for owned in (self.table.alerts, self.table.mails):
            for key in [key for key in owned if key[0] == account_id]:
                del owned[key]
        self.table.addresses.pop(account_id, None)
        self.table.preferences.pop(account_id, None)


class FakePreferenceStore(PreferenceStore):
    """Preferences of accounts."""

    def __init__(self, table: FakeTable) -> None:
        self.table = table

    def get(self, account_id: str) -> Preferences:
        return self.table.preferences.get(account_id, Preferences())

    def set(self, account_id: str, *, email: bool, thresholds: tuple[int, ...], now_ms: int) -> None:
        self._require_open(account_id)
        before = self.get(account_id)
        if email:
            self.table.turned_on_ms[account_id] = now_ms
            self.table.preferences[account_id] = Preferences(email, thresholds)
        else:
            self.table.preferences[account_id] = replace(before, email=email, thresholds=thresholds)

    def turn_off(self, account_id: str, reason: OffReason, *, reported_at_ms: int, now_ms: int) -> None:
        self._require_open(account_id)
        if self.table.turned_on_ms.get(account_id, 0) <= reported_at_ms:
            before = self.get(account_id)
            self.table.preferences[account_id] = replace(before, email=False, off_reason=reason, off_at_ms=now_ms)

    def _require_open(self, account_id: str) -> None:
        if account_id in self.table.closed:
            raise AccountClosed


class FakeMailStore(MailStore):
    """Mails of alerts; one that is not as it was read cannot be changed."""

    def __init__(self, table: FakeTable) -> None:
        self.table = table

    def get(self, account_id: str, alert_id: str) -> Outgoing | None:
        mail = self.table.mails.get((account_id, alert_id))
        if mail is None:
            return None
        preferences = self.table.preferences.get(account_id, Preferences())
        return replace(mail, address=self.table.addresses.get(account_id), preferences=preferences)

    def claim(self, mail: Outgoing, *, now_ms: int) -> Outgoing:
        if mail.account_id in self.table.closed:
            raise StaleMail
        return self._change(
            mail, status=MailStatus.SENDING, attempts=mail.attempts + 1, lease_until_ms=now_ms + LEASE_MS
        )

    def sent(self, claimed: Outgoing, message_id: str) -> None:
        self._change(claimed, status=MailStatus.SENT, message_id=message_id)

    def refused(self, claimed: Outgoing, status: MailStatus, reason: str) -> None:
        self._change(claimed, status=status)
        self.table.reasons[claimed.account_id, claimed.alert_id] = reason

    def turned_off(self, mail: Outgoing) -> None:
        self._change(mail, status=MailStatus.OFF)

    def returned(self, mail: Outgoing, status: MailStatus, reason: str) -> None:
        self._change(mail, status=status, bounces=mail.bounces + 1)
        self.table.reasons[mail.account_id, mail.alert_id] = reason

    def _change(self, mail: Outgoing, **changes: Any) -> Outgoing:
        key = (mail.account_id, mail.alert_id)
        now = self.table.mails.get(key)
        if now is None or (now.status, now.attempts) != (mail.status, mail.attempts):
            raise StaleMail
        self.table.mails[key] = replace(now, **changes)
        return replace(mail, **changes)


@dataclass(frozen=True)
class Posted:
    """A mail that SES has taken."""

    mail: Mail
    to: str
    unsubscribe: str
    tags: dict[str, str]


class FakeSesMailer(SesMailer):
    """SES, which refuses with the reasons given, one after the other."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.posted: list[Posted] = []

    def post(self, mail: Mail, *, to: str, unsubscribe: str, tags: Mapping[str, str]) -> str:
        if self.refusals:
            raise NotSent(self.refusals.pop(0))
        self.posted.append(Posted(mail, to, unsubscribe, dict(tags)))
        return f"ses-{len(self.posted)}"
