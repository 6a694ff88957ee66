"""Bounces and complaints, which SES publishes on the default bus.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from alerts_service.model import MAX_BOUNCES, MailStatus, OffReason
from alerts_service.persistence import AccountClosed, StaleMail
from kv_common.events.errors import RejectedMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts_service.persistence import MailStore, Outgoing, PreferenceStore
    from kv_common.clock import Clock


class Tags(msgspec.Struct, frozen=True):
    """The tags of the mail."""

    account: tuple[str]
    alert: tuple[str]


class SentMail(msgspec.Struct, frozen=True, rename="camel"):
    """The mail that the event refers to."""

    timestamp: datetime
    message_id: str
    tags: Tags


class Bounce(msgspec.Struct, frozen=True, rename="camel"):
    """The type of a bounce."""

    bounce_type: Literal["Permanent", "Transient", "Undetermined"]
    bounce_sub_type: str


class Bounced(msgspec.Struct, frozen=True):
    """Detail of "Email Bounced"."""

    mail: SentMail
    bounce: Bounce


class Complained(msgspec.Struct, frozen=True):
    """Detail of "Email Complaint Received": the recipient reported the mail as spam."""

    mail: SentMail


class BouncedEvent(msgspec.Struct, frozen=True, tag_field="detail-type", tag="Email Bounced"):
    """The event of a bounce."""

    detail: Bounced


class ComplainedEvent(msgspec.Struct, frozen=True, tag_field="detail-type", tag="Email Complaint Received"):
    """The event of a complaint."""

    detail: Complained


FeedbackEvent = BouncedEvent | ComplainedEvent


class UnreadableFeedback(RejectedMessage):
    """The event does not match SES's documentation."""


class TooEarly(RejectedMessage):
    """The mail is being sent or was just changed; the event has to be processed again."""


def read(body: str) -> FeedbackEvent:
    """Return the event in a message; UnreadableFeedback if it is malformed or of another type."""
    try:
        event: FeedbackEvent = msgspec.json.decode(body, type=FeedbackEvent)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UnreadableFeedback(f"malformed event of SES: {error}") from error
    return event


class Feedback:
    """Records bounces and complaints; idempotent."""

    def __init__(self, mails: MailStore, preferences: PreferenceStore, *, now_ms: Clock) -> None:
        self._mails = mails
        self._preferences = preferences
        self._now_ms = now_ms

    def take(self, event: FeedbackEvent) -> None:
        """Record the event: turn mails off after a permanent bounce or a complaint, retry after other bounces."""
        sent = event.detail.mail
        if isinstance(event, ComplainedEvent):
            self._stop(sent, MailStatus.COMPLAINED, OffReason.COMPLAINED, "complaint")
            return
        bounce = event.detail.bounce
        reason = f"{bounce.bounce_type}/{bounce.bounce_sub_type}"
        if bounce.bounce_type == "Permanent":
            self._stop(sent, MailStatus.BOUNCED, OffReason.BOUNCED, reason)
        else:
            self._try_again(sent, reason)

    def _stop(self, sent: SentMail, status: MailStatus, why: OffReason, reason: str) -> None:
        (account_id,) = sent.tags.account
        reported_at_ms = int(sent.timestamp.timestamp() * 1000)
        try:
            self._preferences.turn_off(account_id, why, reported_at_ms=reported_at_ms, now_ms=self._now_ms())
        except AccountClosed:
            return
        self._record(sent, lambda _: status, reason)

    def _try_again(self, sent: SentMail, reason: str) -> None:
        self._record(
            sent, lambda mail: MailStatus.PENDING if mail.bounces < MAX_BOUNCES else MailStatus.BOUNCED, reason
        )

    def _record(self, sent: SentMail, status_of: Callable[[Outgoing], MailStatus], reason: str) -> None:
        (account_id,), (alert_id,) = sent.tags.account, sent.tags.alert
        mail = self._mails.get(account_id, alert_id)
        if mail is not None and mail.status is MailStatus.SENDING:
            raise TooEarly("the mail is being sent")
        if mail is None or mail.status is not MailStatus.SENT or mail.message_id != sent.message_id:
            # The account was deleted, the event was recorded before, or the mail has been sent again since.
            return
        try:
            self._mails.returned(mail, status_of(mail), reason)
        except StaleMail as stale:
            raise TooEarly("the mail has just changed") from stale
