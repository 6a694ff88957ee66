"""What becomes of mails, as SES tells on the default bus: bounces and complaints.

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
    """The tags that the mail was sent with."""

    account: tuple[str]
    alert: tuple[str]


class SentMail(msgspec.Struct, frozen=True, rename="camel"):
    """The mail that an event is about."""

    timestamp: datetime
    message_id: str
    tags: Tags


class Bounce(msgspec.Struct, frozen=True, rename="camel"):
    """Why a mail came back."""

    bounce_type: Literal["Permanent", "Transient", "Undetermined"]
    bounce_sub_type: str


class Bounced(msgspec.Struct, frozen=True):
    """Detail of "Email Bounced"."""

    mail: SentMail
    bounce: Bounce


class Complained(msgspec.Struct, frozen=True):
    """Detail of "Email Complaint Received": the recipient has called the mail spam."""

    mail: SentMail


class BouncedEvent(msgspec.Struct, frozen=True, tag_field="detail-type", tag="Email Bounced"):
    """The event of a bounce."""

    detail: Bounced


class ComplainedEvent(msgspec.Struct, frozen=True, tag_field="detail-type", tag="Email Complaint Received"):
    """The event of a complaint."""

    detail: Complained


FeedbackEvent = BouncedEvent | ComplainedEvent


class UnreadableFeedback(RejectedMessage):
    """What SES told is not what its documentation says."""


class TooEarly(RejectedMessage):
    """The mail is in motion: what is told of it has to be looked at again."""


def read(body: str) -> FeedbackEvent:
    """Return the event in a queue's message; UnreadableFeedback when it is none that we know."""
    try:
        told: FeedbackEvent = msgspec.json.decode(body, type=FeedbackEvent)
        return told
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UnreadableFeedback(f"an event of SES is not as expected: {error}") from error


class Feedback:
    """Learns from what became of mails; everything here is harmless to repeat."""

    def __init__(self, mails: MailStore, preferences: PreferenceStore, *, now_ms: Clock) -> None:
        self._mails = mails
        self._preferences = preferences
        self._now_ms = now_ms

    def take(self, told: FeedbackEvent) -> None:
        """Record it on the mail; send anew what may arrive later, and stop writing to who cannot or will not read."""
        sent = told.detail.mail
        if isinstance(told, ComplainedEvent):
            self._stop(sent, MailStatus.COMPLAINED, OffReason.COMPLAINED, "complaint")
            return
        bounce = told.detail.bounce
        reason = f"{bounce.bounce_type}/{bounce.bounce_sub_type}"
        if bounce.bounce_type == "Permanent":
            self._stop(sent, MailStatus.BOUNCED, OffReason.BOUNCED, reason)
        else:
            self._try_again(sent, reason)

    def _stop(self, sent: SentMail, status: MailStatus, why: OffReason, reason: str) -> None:
        (account_id,) = sent.tags.account
        told_at_ms = int(sent.timestamp.timestamp() * 1000)
        try:
            self._preferences.turn_off(account_id, why, told_at_ms=told_at_ms, now_ms=self._now_ms())
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
            # Its account is gone, it was recorded already, or another copy has been sent since.
            return
        try:
            self._mails.returned(mail, status_of(mail), reason)
        except StaleMail as overtaken:
            raise TooEarly("the mail has just changed") from overtaken
