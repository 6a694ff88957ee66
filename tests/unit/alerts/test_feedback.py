"""What SES tells of a mail decides whether it is sent anew, and whether its account gets any more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts_service.mail.feedback import Feedback, TooEarly, UnreadableFeedback, read
from alerts_service.model import MAX_BOUNCES, MailStatus, OffReason, Preferences
from kv_common.clock import timestamp
from kv_common.events import AccountDeleted
from tests.unit.alerts.fakes import ACCOUNT, ADDRESS, EVERYTHING, NOW_MS, Choices, Mails, happened
from tests.unit.alerts.test_sender import World


def told(
    alert: str, message_id: str = "ses-1", *, bounce: str | None = None, name: str | None = None, tags: object = None
) -> str:
    """Return an event as EventBridge hands it to the queue; a complaint unless it is a bounce of a type."""
    detail: dict[str, Any] = {
        "eventType": "Complaint",
        "complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": ADDRESS}]},
        "mail": {
            "timestamp": timestamp(NOW_MS),
            "source": "KV Storage <no-reply@example.com>",
            "messageId": message_id,
            "destination": [ADDRESS],
            "tags": {"ses:configuration-set": ["kv-dev-alerts"], "account": [ACCOUNT], "alert": [alert]}
            if tags is None
            else tags,
        },
    }
    named = "Email Complaint Received"
    if bounce is not None:
        named = "Email Bounced"
        del detail["complaint"]
        detail |= {"eventType": "Bounce", "bounce": {"bounceType": bounce, "bounceSubType": "General"}}
    return json.dumps({"version": "0", "detail-type": name or named, "source": "aws.ses", "detail": detail})


@pytest.fixture
def world() -> World:
    made = World()
    made.shelf.addresses[ACCOUNT] = ADDRESS
    return made


@pytest.fixture
def alert(world: World) -> str:
    """An alert whose mail has been sent."""
    made = world.take(EVERYTHING["payment_failed"])
    world.send(made)
    return made


def learn(world: World, body: str) -> None:
    Feedback(Mails(world.shelf), Choices(world.shelf), now_ms=world.clock).take(read(body))


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"bounce": "Permanent"}, MailStatus.BOUNCED, OffReason.BOUNCED),
        ({}, MailStatus.COMPLAINED, OffReason.COMPLAINED),
    ],
    ids=["bounce", "complaint"],
)
def test_who_cannot_or_will_not_read_gets_no_more_mail(
    world: World, alert: str, body: dict[str, Any], status: MailStatus, reason: OffReason
) -> None:
    for _ in range(2):
        learn(world, told(alert, **body))

    assert world.shelf.status(alert) is status
    assert world.shelf.preferences[ACCOUNT].email is False
    assert world.shelf.preferences[ACCOUNT].off_reason is reason
    later = world.take(EVERYTHING["storage_full"], "event-2")
    assert world.shelf.status(later) is MailStatus.OFF
    assert len(world.ses.posted) == 1


@pytest.mark.parametrize("bounce", ["Transient", "Undetermined"])
def test_a_mail_that_came_back_for_a_passing_reason_is_sent_anew_a_few_times(
    world: World, alert: str, bounce: str
) -> None:
    for number in range(1, MAX_BOUNCES + 1):
        for _ in range(2):
            learn(world, told(alert, f"ses-{number}", bounce=bounce))
        assert world.shelf.status(alert) is MailStatus.PENDING
        world.send(alert)

    learn(world, told(alert, f"ses-{MAX_BOUNCES + 1}", bounce=bounce))

    assert world.shelf.status(alert) is MailStatus.BOUNCED
    assert len(world.ses.posted) == MAX_BOUNCES + 1
    # The address may be good again tomorrow.
    assert ACCOUNT not in world.shelf.preferences


def test_what_is_told_late_of_an_earlier_copy_changes_nothing(world: World, alert: str) -> None:
    learn(world, told(alert, bounce="Transient"))
    world.send(alert)

    learn(world, told(alert, "ses-1", bounce="Transient"))

    assert world.shelf.status(alert) is MailStatus.SENT


def test_what_is_told_late_does_not_undo_that_the_owner_turned_mail_on(world: World, alert: str) -> None:
    Choices(world.shelf).set(ACCOUNT, email=True, thresholds=(80,), now_ms=NOW_MS + 1)

    learn(world, told(alert, bounce="Permanent"))

    assert world.shelf.preferences[ACCOUNT] == Preferences(email=True, thresholds=(80,))


def test_a_bounce_that_is_faster_than_the_mark_is_looked_at_again(world: World) -> None:
    alert = world.take(EVERYTHING["payment_failed"])
    mails = Mails(world.shelf)
    found = mails.get(ACCOUNT, alert)
    assert found is not None
    claimed = mails.claim(found, now_ms=world.clock())

    with pytest.raises(TooEarly):
        learn(world, told(alert, bounce="Transient"))
    mails.sent(claimed, "ses-1")
    learn(world, told(alert, bounce="Transient"))

    assert world.shelf.status(alert) is MailStatus.PENDING


@pytest.mark.parametrize("bounce", ["Permanent", "Transient", None])
def test_of_a_deleted_account_nothing_comes_back(world: World, alert: str, bounce: str | None) -> None:
    world.intake.forget(happened(AccountDeleted()))

    learn(world, told(alert, bounce=bounce))

    assert (world.shelf.mails, world.shelf.preferences) == ({}, {})


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "{}",
        told("alert_1", name="Email Opened"),
        told("alert_1", bounce="Sideways"),
        told("alert_1", tags={"account": [ACCOUNT]}),
    ],
)
def test_what_cannot_be_read_is_refused_loudly(body: str) -> None:
    with pytest.raises(UnreadableFeedback):
        read(body)
