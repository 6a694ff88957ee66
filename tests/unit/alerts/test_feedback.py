"""What SES tells of a mail decides whether it is sent anew, and whether its account gets any more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts_service.mail.feedback import Feedback, TooEarly, UnreadableFeedback, read
from alerts_service.model import MAX_BOUNCES, MailStatus, OffReason, Preferences
from kv_common.clock import timestamp
from kv_common.events import AccountDeleted
from tests.unit.alerts.fakes import ACCOUNT, ADDRESS, EVERYTHING, NOW_MS, FakeMailStore, FakePreferenceStore, new_event
from tests.unit.alerts.test_sender import Harness


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
def harness() -> Harness:
    made = Harness()
    made.table.addresses[ACCOUNT] = ADDRESS
    return made


@pytest.fixture
def alert(harness: Harness) -> str:
    """An alert whose mail has been sent."""
    made = harness.take(EVERYTHING["payment_failed"])
    harness.send(made)
    return made


def learn(harness: Harness, body: str) -> None:
    Feedback(FakeMailStore(harness.table), FakePreferenceStore(harness.table), now_ms=harness.clock).take(read(body))


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"bounce": "Permanent"}, MailStatus.BOUNCED, OffReason.BOUNCED),
        ({}, MailStatus.COMPLAINED, OffReason.COMPLAINED),
    ],
    ids=["bounce", "complaint"],
)
def test_who_cannot_or_will_not_read_gets_no_more_mail(
    harness: Harness, alert: str, body: dict[str, Any], status: MailStatus, reason: OffReason
) -> None:
    for _ in range(2):
        learn(harness, told(alert, **body))

    assert harness.table.status(alert) is status
    assert harness.table.preferences[ACCOUNT].email is False
    assert harness.table.preferences[ACCOUNT].off_reason is reason
    later = harness.take(EVERYTHING["storage_full"], "event-2")
    assert harness.table.status(later) is MailStatus.OFF
    assert len(harness.ses.posted) == 1


@pytest.mark.parametrize("bounce", ["Transient", "Undetermined"])
def test_a_mail_that_came_back_for_a_passing_reason_is_sent_anew_a_few_times(
    harness: Harness, alert: str, bounce: str
) -> None:
    for number in range(1, MAX_BOUNCES + 1):
        for _ in range(2):
            learn(harness, told(alert, f"ses-{number}", bounce=bounce))
        assert harness.table.status(alert) is MailStatus.PENDING
        harness.send(alert)

    learn(harness, told(alert, f"ses-{MAX_BOUNCES + 1}", bounce=bounce))

    assert harness.table.status(alert) is MailStatus.BOUNCED
    assert len(harness.ses.posted) == MAX_BOUNCES + 1
    # The address may be good again tomorrow.
    assert ACCOUNT not in harness.table.preferences


def test_what_is_told_late_of_an_earlier_copy_changes_nothing(harness: Harness, alert: str) -> None:
    learn(harness, told(alert, bounce="Transient"))
    harness.send(alert)

    learn(harness, told(alert, "ses-1", bounce="Transient"))

    assert harness.table.status(alert) is MailStatus.SENT


def test_what_is_told_late_does_not_undo_that_the_owner_turned_mail_on(harness: Harness, alert: str) -> None:
    FakePreferenceStore(harness.table).set(ACCOUNT, email=True, thresholds=(80,), now_ms=NOW_MS + 1)

    learn(harness, told(alert, bounce="Permanent"))

    assert harness.table.preferences[ACCOUNT] == Preferences(email=True, thresholds=(80,))


def test_a_bounce_that_is_faster_than_the_mark_is_looked_at_again(harness: Harness) -> None:
    alert = harness.take(EVERYTHING["payment_failed"])
    mails = FakeMailStore(harness.table)
    found = mails.get(ACCOUNT, alert)
    assert found is not None
    claimed = mails.claim(found, now_ms=harness.clock())

    with pytest.raises(TooEarly):
        learn(harness, told(alert, bounce="Transient"))
    mails.sent(claimed, "ses-1")
    learn(harness, told(alert, bounce="Transient"))

    assert harness.table.status(alert) is MailStatus.PENDING


@pytest.mark.parametrize("bounce", ["Permanent", "Transient", None])
def test_of_a_deleted_account_nothing_comes_back(harness: Harness, alert: str, bounce: str | None) -> None:
    harness.intake.forget(new_event(AccountDeleted()))

    learn(harness, told(alert, bounce=bounce))

    assert (harness.table.mails, harness.table.preferences) == ({}, {})


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
