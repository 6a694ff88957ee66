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
    Alerts,
    Choices,
    Clock,
    Mails,
    Ses,
    Shelf,
    happened,
)

if TYPE_CHECKING:
    from alerts_service.persistence import Outgoing


@dataclass
class World:
    """The service's background work over fakes."""

    ses: Ses = field(default_factory=Ses)
    shelf: Shelf = field(default_factory=Shelf)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.intake = Intake(Alerts(self.shelf), Choices(self.shelf), now_ms=self.clock)
        self.sender = Sender(
            Mails(self.shelf),
            self.ses,
            api_url=API,
            dashboard_url=None,
            secret=lambda: SECRET,
            now_ms=self.clock,
        )

    def take(self, data: Contract, event_id: str = "event-1") -> str:
        """Take an event in and return the id of its alert."""
        event = happened(data, event_id=event_id)
        self.intake.take(event)
        return alert_id(event.name, event.id, event.occurred_at_us)

    def send(self, alert: str, attempt: int = 1) -> str:
        return self.sender.send(ACCOUNT, alert, attempt)


@pytest.fixture
def world() -> World:
    made = World()
    made.shelf.addresses[ACCOUNT] = ADDRESS
    return made


def test_a_mail_goes_to_the_accounts_address_with_a_link_that_ends_mail(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])

    assert world.send(alert) == "sent"

    (posted,) = world.ses.posted
    assert (posted.to, posted.mail.subject) == (ADDRESS, "A payment of 1,500.50 USD failed")
    assert posted.tags == {"account": ACCOUNT, "alert": alert}
    # What SES takes as the value of a tag.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value) for value in posted.tags.values())
    assert posted.unsubscribe.startswith(f"{API}/v1/alerts/unsubscribe?token=")
    assert unsubscribe_link.read(posted.unsubscribe.split("token=")[1], secret=SECRET) == ACCOUNT
    assert world.shelf.status(alert) is MailStatus.SENT
    assert world.shelf.mails[ACCOUNT, alert].message_id == "ses-1"


def test_a_message_that_comes_again_sends_nothing_again(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])
    world.send(alert)

    assert [world.send(alert, attempt) for attempt in (1, 2)] == ["settled", "settled"]
    assert len(world.ses.posted) == 1


def test_a_refused_mail_is_tried_again_and_says_why(world: World) -> None:
    world.ses.refusals = ["TooManyRequestsException"]
    alert = world.take(EVERYTHING["payment_failed"])

    with pytest.raises(NotSent, match="TooManyRequestsException"):
        world.send(alert)

    assert world.shelf.status(alert) is MailStatus.RETRYING
    assert world.shelf.reasons[ACCOUNT, alert] == "TooManyRequestsException"
    assert world.send(alert, 2) == "sent"


def test_a_mail_that_is_always_refused_is_given_up_and_sent_by_a_redrive(world: World) -> None:
    world.ses.refusals = ["MessageRejected"] * MAIL_ATTEMPTS
    alert = world.take(EVERYTHING["payment_failed"])

    for attempt in range(1, MAIL_ATTEMPTS + 1):
        with pytest.raises(NotSent):
            world.send(alert, attempt)

    assert world.shelf.status(alert) is MailStatus.FAILED
    assert world.send(alert, 1) == "sent"


def test_the_delays_between_tries_grow() -> None:
    delays = [retry_delay_s(attempt) for attempt in range(1, MAIL_ATTEMPTS)]

    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (30, 14_400)
    # SQS keeps a message invisible for 12 hours at most, and this queue keeps one for four days.
    assert max(delays) <= 43_200
    assert sum(delays) < 4 * 86_400
    assert retry_delay_s(MAIL_ATTEMPTS) == 0


def test_a_mail_waits_for_the_address_that_comes_later(world: World) -> None:
    world.shelf.addresses.clear()
    alert = world.take(EVERYTHING["payment_failed"])
    with pytest.raises(NotSent, match="no_address"):
        world.send(alert)
    assert world.shelf.status(alert) is MailStatus.RETRYING

    world.take(AccountCreated(email=ADDRESS), "event-2")

    assert world.send(alert, 2) == "sent"
    assert world.ses.posted[0].to == ADDRESS


def test_a_mail_that_is_not_wanted_any_more_is_not_sent(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])
    world.shelf.preferences[ACCOUNT] = Preferences(email=False)

    assert world.send(alert) == "unwanted"
    assert world.shelf.status(alert) is MailStatus.OFF
    world.shelf.preferences[ACCOUNT] = Preferences(email=True)
    assert world.send(alert) == "settled"
    assert world.ses.posted == []


def test_while_one_sender_has_a_mail_another_waits_and_keeps_its_message(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])
    mails = Mails(world.shelf)
    found = mails.get(ACCOUNT, alert)
    assert found is not None
    mails.claim(found, now_ms=world.clock())

    with pytest.raises(NotSent, match="another sender"):
        world.send(alert)
    assert world.ses.posted == []


def test_what_a_dead_sender_left_is_sent_once_its_claim_has_ended(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])
    mails = Mails(world.shelf)
    found = mails.get(ACCOUNT, alert)
    assert found is not None
    mails.claim(found, now_ms=world.clock())

    world.clock.now_ms += LEASE_MS

    assert world.send(alert, 2) == "sent"


def test_of_two_senders_that_read_the_same_mail_one_sends_it(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])

    class Late(Mails):
        """Someone else sends the mail just before it is claimed here."""

        def get(self, account_id: str, alert_id: str) -> Outgoing | None:
            found = super().get(account_id, alert_id)
            if not world.ses.posted:
                world.send(alert)
            return found

    late = Sender(
        Late(world.shelf), world.ses, api_url=API, dashboard_url=None, secret=lambda: SECRET, now_ms=world.clock
    )
    with pytest.raises(NotSent, match="another sender was faster"):
        late.send(ACCOUNT, alert, 1)
    assert len(world.ses.posted) == 1
    assert late.send(ACCOUNT, alert, 2) == "settled"


def test_mails_of_a_deleted_account_are_never_sent(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])

    world.intake.forget(happened(AccountDeleted()))

    assert world.send(alert) == "gone"
    world.take(EVERYTHING["storage_full"], "event-2")
    assert (world.shelf.mails, world.shelf.alerts) == ({}, {})
    assert world.ses.posted == []
