"""One mail at a time: claimed, sent, marked; refused ones come again until they are given up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from alerts_service import unsubscribe_link
from alerts_service.mail.sender import NotSent, Sender
from alerts_service.model import LEASE_MS, MAIL_ATTEMPTS, MailStatus, Preferences, alert_id, retry_delay_s
from alerts_service.service import Intake
from kv_common.events import AccountCreated, AccountDeleted, Contract
from tests.unit.alerts.fakes import (
    ACCOUNT,
    ADDRESS,
    API,
    EVERYTHING,
    SECRET,
    Clock,
    FakeAlertStore,
    FakeMailStore,
    FakePreferenceStore,
    FakeSesMailer,
    FakeTable,
    new_event,
)

if TYPE_CHECKING:
    from alerts_service.persistence import Outgoing


@dataclass
class Harness:
    """The service's background work over fakes."""

    ses: FakeSesMailer = field(default_factory=FakeSesMailer)
    table: FakeTable = field(default_factory=FakeTable)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.intake = Intake(FakeAlertStore(self.table), FakePreferenceStore(self.table), now_ms=self.clock)
        self.sender = Sender(
            FakeMailStore(self.table),
            self.ses,
            api_url=API,
            dashboard_url=None,
            secret=lambda: SECRET,
            now_ms=self.clock,
        )

    def take(self, data: Contract, event_id: str = "event-1") -> str:
        """Take an event in and return the id of its alert."""
        event = new_event(data, event_id=event_id)
        self.intake.take(event)
        return alert_id(event.name, event.id, event.occurred_at_us)

    def send(self, alert: str, attempt: int = 1) -> str:
        return self.sender.send(ACCOUNT, alert, attempt)


@pytest.fixture
def harness() -> Harness:
    made = Harness()
    made.table.addresses[ACCOUNT] = ADDRESS
    return made


def test_a_mail_goes_to_the_accounts_address_with_a_link_that_ends_mail(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])

    assert harness.send(alert) == "sent"

    (posted,) = harness.ses.posted
    assert (posted.to, posted.mail.subject) == (ADDRESS, "A payment of 1,500.50 USD failed")
    assert posted.tags == {"account": ACCOUNT, "alert": alert}
    # What SES takes as the value of a tag.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value) for value in posted.tags.values())
    assert posted.unsubscribe.startswith(f"{API}/v1/alerts/unsubscribe?token=")
    assert unsubscribe_link.read(posted.unsubscribe.split("token=")[1], secret=SECRET) == ACCOUNT
    assert harness.table.status(alert) is MailStatus.SENT
    assert harness.table.mails[ACCOUNT, alert].message_id == "ses-1"


def test_a_message_that_comes_again_sends_nothing_again(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])
    harness.send(alert)

    assert [harness.send(alert, attempt) for attempt in (1, 2)] == ["settled", "settled"]
    assert len(harness.ses.posted) == 1


def test_a_refused_mail_is_tried_again_and_says_why(harness: Harness) -> None:
    harness.ses.refusals = ["TooManyRequestsException"]
    alert = harness.take(EVERYTHING["payment_failed"])

    with pytest.raises(NotSent, match="TooManyRequestsException"):
        harness.send(alert)

    assert harness.table.status(alert) is MailStatus.RETRYING
    assert harness.table.reasons[ACCOUNT, alert] == "TooManyRequestsException"
    assert harness.send(alert, 2) == "sent"


def test_a_mail_that_is_always_refused_is_given_up_and_sent_by_a_redrive(harness: Harness) -> None:
    harness.ses.refusals = ["MessageRejected"] * MAIL_ATTEMPTS
    alert = harness.take(EVERYTHING["payment_failed"])

    for attempt in range(1, MAIL_ATTEMPTS + 1):
        with pytest.raises(NotSent):
            harness.send(alert, attempt)

    assert harness.table.status(alert) is MailStatus.FAILED
    assert harness.send(alert, 1) == "sent"


def test_the_delays_between_tries_grow() -> None:
    delays = [retry_delay_s(attempt) for attempt in range(1, MAIL_ATTEMPTS)]

    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (30, 14_400)
    # SQS keeps a message invisible for 12 hours at most, and this queue keeps one for four days.
    assert max(delays) <= 43_200
    assert sum(delays) < 4 * 86_400
    assert retry_delay_s(MAIL_ATTEMPTS) == 0


def test_a_mail_waits_for_the_address_that_comes_later(harness: Harness) -> None:
    harness.table.addresses.clear()
    alert = harness.take(EVERYTHING["payment_failed"])
    with pytest.raises(NotSent, match="no_address"):
        harness.send(alert)
    assert harness.table.status(alert) is MailStatus.RETRYING

    harness.take(AccountCreated(email=ADDRESS), "event-2")

    assert harness.send(alert, 2) == "sent"
    assert harness.ses.posted[0].to == ADDRESS


def test_a_mail_that_is_not_wanted_any_more_is_not_sent(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])
    harness.table.preferences[ACCOUNT] = Preferences(email=False)

    assert harness.send(alert) == "unwanted"
    assert harness.table.status(alert) is MailStatus.OFF
    harness.table.preferences[ACCOUNT] = Preferences(email=True)
    assert harness.send(alert) == "settled"
    assert harness.ses.posted == []


def test_while_one_sender_has_a_mail_another_waits_and_keeps_its_message(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])
    mails = FakeMailStore(harness.table)
    found = mails.get(ACCOUNT, alert)
    assert found is not None
    mails.claim(found, now_ms=harness.clock())

    with pytest.raises(NotSent, match="another sender"):
        harness.send(alert)
    assert harness.ses.posted == []


def test_what_a_dead_sender_left_is_sent_once_its_claim_has_ended(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])
    mails = FakeMailStore(harness.table)
    found = mails.get(ACCOUNT, alert)
    assert found is not None
    mails.claim(found, now_ms=harness.clock())

    harness.clock.now_ms += LEASE_MS

    assert harness.send(alert, 2) == "sent"


def test_of_two_senders_that_read_the_same_mail_one_sends_it(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])

    class Late(FakeMailStore):
        """Someone else sends the mail just before it is claimed here."""

        def get(self, account_id: str, alert_id: str) -> Outgoing | None:
            found = super().get(account_id, alert_id)
            if not harness.ses.posted:
                harness.send(alert)
            return found

    late = Sender(
        Late(harness.table), harness.ses, api_url=API, dashboard_url=None, secret=lambda: SECRET, now_ms=harness.clock
    )
    with pytest.raises(NotSent, match="another sender was faster"):
        late.send(ACCOUNT, alert, 1)
    assert len(harness.ses.posted) == 1
    assert late.send(ACCOUNT, alert, 2) == "settled"


def test_mails_of_a_deleted_account_are_never_sent(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])

    harness.intake.forget(new_event(AccountDeleted()))

    assert harness.send(alert) == "gone"
    harness.take(EVERYTHING["storage_full"], "event-2")
    assert (harness.table.mails, harness.table.alerts) == ({}, {})
    assert harness.ses.posted == []
