"""Sends one mail: claimed first, marked after.

Whoever dies between SES's acceptance and the mark leaves a claim that ends by itself; the next delivery of the message
sends the mail once more. SES takes no idempotency token, so a repeated mail is the price of never losing one
(docs/adr/0013).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from alerts_service import unsubscribe_link
from alerts_service.mail.composition import Links, compose, wording
from alerts_service.mail.template_values import words
from alerts_service.model import MAIL_ATTEMPTS, MailStatus
from alerts_service.persistence import StaleMail
from kv_common.events.errors import RejectedMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts_service.mail.composition import Mail
    from alerts_service.persistence import MailStore, Outgoing
    from kv_common.clock import Clock

_TO_BE_SENT = frozenset({MailStatus.PENDING, MailStatus.SENDING, MailStatus.RETRYING, MailStatus.FAILED})


class NotSent(RejectedMessage):
    """The mail was not sent, and is to be tried again."""


class Mailer(Protocol):
    """Hands a mail to whoever delivers it."""

    def post(self, mail: Mail, *, to: str, unsubscribe: str, tags: Mapping[str, str]) -> str:
        """Return the id of the accepted mail; raises NotSent."""


class Sender:
    """Sends the mails of alerts."""

    def __init__(
        self,
        mails: MailStore,
        mailer: Mailer,
        *,
        api_url: str,
        dashboard_url: str | None,
        secret: Callable[[], bytes],
        now_ms: Clock,
    ) -> None:
        self._mails = mails
        self._mailer = mailer
        self._api_url = api_url
        self._dashboard_url = dashboard_url
        self._secret = secret
        self._now_ms = now_ms

    def send(self, account_id: str, alert_id: str, attempt: int) -> str:
        """Send the alert's mail unless that is settled, and return what was done; `attempt` counts from 1.

        NotSent says why it has to be tried again. After the last attempt the mail is marked as failed, and only a
        redrive of the dead-letter queue tries again.
        """
        mail = self._mails.get(account_id, alert_id)
        if mail is None:
            return "gone"
        if mail.status not in _TO_BE_SENT:
            return "settled"
        if mail.status is MailStatus.SENDING and self._now_ms() < mail.lease_until_ms:
            # Not done: the other sender may die, and then this message is the one that is left.
            raise NotSent("another sender has it")
        try:
            if not mail.preferences.email:
                self._mails.turned_off(mail)
                return "unwanted"
            return self._send(self._mails.claim(mail, now_ms=self._now_ms()), attempt)
        except StaleMail as overtaken:
            # Whether it was sent, claimed or forgotten meanwhile shows when it is read anew.
            raise NotSent("another sender was faster") from overtaken

    def _send(self, claimed: Outgoing, attempt: int) -> str:
        try:
            message_id = self._post(claimed)
        except NotSent as refusal:
            status = MailStatus.FAILED if attempt >= MAIL_ATTEMPTS else MailStatus.RETRYING
            self._mails.refused(claimed, status, str(refusal))
            raise
        self._mails.sent(claimed, message_id)
        return "sent"

    def _post(self, claimed: Outgoing) -> str:
        if claimed.address is None:
            # Events come in no order: AccountCreated brings the address.
            raise NotSent("no_address")
        said = wording(*words(claimed.kind, json.loads(claimed.data), claimed.created_at_ms))
        link = unsubscribe_link.link(self._api_url, claimed.account_id, secret=self._secret())
        mail = compose(said, Links(link, self._dashboard_url))
        return self._mailer.post(
            mail,
            to=claimed.address,
            unsubscribe=link,
            tags={"account": claimed.account_id, "alert": claimed.alert_id},
        )
