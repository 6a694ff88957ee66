"""What the service does: take in events, and let an account read its alerts and say what it wants to hear of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from alerts_service import model as domain
from alerts_service import unsubscribe_link
from alerts_service.alert_mapping import facts_of
from alerts_service.mail.composition import wording
from alerts_service.mail.template_values import words
from alerts_service.model import Alert, MailStatus, OffReason, Page, Preferences
from alerts_service.persistence import AccountClosed
from kv_common import cursors
from kv_common.errors import Unauthorized
from kv_common.events import AccountCreated, InvalidEvent, ThresholdCrossed

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts_service.persistence import AlertStore, PreferenceStore
    from kv_common.clock import Clock
    from kv_common.events import Event


class Intake:
    """Turns events into alerts, each once."""

    def __init__(self, alerts: AlertStore, preferences: PreferenceStore, *, now_ms: Clock) -> None:
        self._alerts = alerts
        self._preferences = preferences
        self._now_ms = now_ms

    def take(self, event: Event) -> None:
        """Store the alert that `event` makes, and its mail if the account wants it."""
        kind, data = facts_of(event)
        created_at_ms = event.occurred_at_us // 1000
        try:
            said = wording(*words(kind, data, created_at_ms))
        except (ValueError, KeyError) as error:
            raise InvalidEvent(f"{event.name} cannot be put into words") from error
        preferences = self._preferences.get(event.account_id)
        if isinstance(event.data, ThresholdCrossed) and event.data.threshold not in preferences.thresholds:
            self._alerts.add(event, None)
            return
        alert = Alert(
            id=domain.alert_id(event.name, event.id, event.occurred_at_us),
            kind=kind,
            title=said.title,
            message=said.message,
            data=json.dumps(data),
            created_at_ms=created_at_ms,
            mail=MailStatus.PENDING if preferences.email else MailStatus.OFF,
        )
        address = event.data.email if isinstance(event.data, AccountCreated) else None
        self._alerts.add(event, alert, address=address)

    def forget(self, event: Event) -> None:
        """Remove all there is of a deleted account; what is under way to it finds nothing any more."""
        self._alerts.forget(event.account_id, now_ms=self._now_ms())


class Inbox:
    """An account's alerts and preferences."""

    def __init__(
        self, alerts: AlertStore, preferences: PreferenceStore, *, secret: Callable[[], bytes], now_ms: Clock
    ) -> None:
        self._alerts = alerts
        self._preferences = preferences
        self._secret = secret
        self._now_ms = now_ms

    def page(self, account_id: str, *, limit: int, cursor: str | None, unread: bool) -> Page:
        """Return a page of alerts; its cursor is good for the same account and filter, and for nothing else."""
        scope = ("alerts", account_id, str(unread))
        after = None if cursor is None else cursors.read(cursor, scope=scope, secret=self._secret())
        page = self._alerts.page(account_id, limit=limit, after=after, unread=unread)
        if page.next is None:
            return page
        return Page(page.alerts, cursors.sign(page.next, scope=scope, secret=self._secret()))

    def mark_read(self, account_id: str, alert_id: str) -> None:
        """Mark an alert as read; NotFound when the account has none of this id."""
        self._alerts.mark_read(account_id, alert_id, now_ms=self._now_ms())

    def preferences(self, account_id: str) -> Preferences:
        """Return what the account wants to hear of."""
        return self._preferences.get(account_id)

    def set_preferences(self, account_id: str, *, email: bool, thresholds: tuple[int, ...]) -> Preferences:
        """Store what the account wants to hear of, and return it; Unauthorized when it has been deleted."""
        try:
            self._preferences.set(account_id, email=email, thresholds=thresholds, now_ms=self._now_ms())
        except AccountClosed as closed:
            raise Unauthorized("The account of this session has been deleted.") from closed
        return self._preferences.get(account_id)

    def account_of_link(self, token: str) -> str:
        """Return the account that an unsubscribe link is for; ValidationError when it is not one of ours."""
        return unsubscribe_link.read(token, secret=self._secret())

    def unsubscribe(self, token: str) -> None:
        """Turn off the mail of the account that the link is for; harmless to repeat."""
        account_id = self.account_of_link(token)
        now_ms = self._now_ms()
        try:
            self._preferences.turn_off(account_id, OffReason.UNSUBSCRIBED, reported_at_ms=now_ms, now_ms=now_ms)
        except AccountClosed:
            return
