"""Mails on real tables and the emulator's SES: each is sent, with at most one duplicate per crash of a sender."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from alerts_service.mail.sender import NotSent, Sender
from alerts_service.mail.ses_mailer import SesMailer, ses
from alerts_service.model import LEASE_MS, MailStatus, OffReason, alert_id
from alerts_service.persistence import AccountClosed, AlertStore, MailStore, PreferenceStore
from alerts_service.service import Intake
from kv_common.clock import now_ms
from kv_common.dynamodb import client as dynamodb_client
from kv_common.events import AccountCreated, AccountDeleted, ApiKeyIssued, Event, ThresholdCrossed
from kv_common.events.processed_events import ProcessedEvents
from tests.support.bus import new_event
from tests.support.kv_process import enter
from tests.support.tenant import new_email
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts_service.persistence import Outgoing
    from infra.local.environment import LocalEnvironment

SENDER = "no-reply@kv-storage.local"
CONFIGURATION_SET = "kv-local-alerts"


@dataclass
class Bench:
    """The service's background work in this process, on a table that no deployed function listens to."""

    local: LocalEnvironment
    table: str
    account_id: str
    address: str

    def __post_init__(self) -> None:
        client = dynamodb_client()
        self.alerts = AlertStore(client, self.table, ProcessedEvents(client, self.table, now_s=time.time))
        self.preferences = PreferenceStore(client, self.table)
        self.mails = MailStore(client, self.table)
        self.intake = Intake(self.alerts, self.preferences, now_ms=now_ms)

    def sender(self, postbox: SesMailer | None = None, clock: Callable[[], int] = now_ms) -> Sender:
        return Sender(
            self.mails,
            postbox or SesMailer(ses(), SENDER, CONFIGURATION_SET),
            api_url="https://api.example.com",
            dashboard_url=None,
            secret=lambda: b"s" * 32,
            now_ms=clock,
        )

    def welcome(self) -> None:
        """Make the address known, and be done with the welcome."""
        self.intake.take(new_event(self.account_id, AccountCreated(email=self.address)))

    def issue(self) -> tuple[str, str]:
        """Take in that a key was issued; return the alert's id, and a word that only its mail has."""
        display = f"kv_live_{uuid.uuid4().hex[:12]}"
        event = new_event(
            self.account_id, ApiKeyIssued(key_id="key_1", display=display, namespaces=("*",), scopes=("read",))
        )
        self.intake.take(event)
        return id_of(event), display

    def sent(self) -> list[str]:
        """Return the text of every mail to the account."""
        return [str(mail["BodyText"]) for mail in self.local.emulator.mailbox() if mail["To"] == [self.address]]

    def status(self, alert: str) -> MailStatus:
        mail = self.mails.get(self.account_id, alert)
        assert mail is not None
        return mail.status

    def holding(self, text: str) -> list[dict[str, Any]]:
        """Return every item of the table that holds `text` anywhere."""
        pages = self.local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=self.table)
        return [item for page in pages for item in page["Items"] if text in str(item)]


def id_of(event: Event) -> str:
    return alert_id(event.name, event.id, event.occurred_at_us)


@pytest.fixture
def bench(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Bench:
    enter(local, "alerts", monkeypatch)
    table = f"test-alerts-{uuid.uuid4().hex[:8]}"
    keys = [("PK", "HASH"), ("SK", "RANGE")]
    local.aws_client("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )
    return Bench(local, table, str(uuid.uuid4()), new_email())


class Deadly(SesMailer):
    """A postbox in whose hands the sender dies, before SES has the mail or after."""

    def __init__(self, *, after: bool) -> None:
        super().__init__(ses(), SENDER, CONFIGURATION_SET)
        self._after = after

    def post(self, *arguments: Any, **keywords: Any) -> str:
        if self._after:
            super().post(*arguments, **keywords)
        raise SystemExit


@pytest.mark.parametrize(("after", "mails"), [(False, 1), (True, 2)], ids=["before SES has it", "after SES has it"])
def test_mail_of_a_crashed_sender_is_sent_by_the_next(bench: Bench, *, after: bool, mails: int) -> None:
    bench.welcome()
    alert, word = bench.issue()
    with pytest.raises(SystemExit):
        bench.sender(Deadly(after=after)).send(bench.account_id, alert, 1)
    assert bench.status(alert) is MailStatus.SENDING
    with pytest.raises(NotSent, match="another sender has it"):
        bench.sender().send(bench.account_id, alert, 2)

    later = bench.sender(clock=lambda: now_ms() + LEASE_MS)
    assert later.send(bench.account_id, alert, 3) == "sent"

    assert bench.status(alert) is MailStatus.SENT
    assert sum(word in text for text in bench.sent()) == mails


def test_one_of_several_concurrent_senders_sends_a_mail(bench: Bench) -> None:
    bench.welcome()
    alert, word = bench.issue()

    def send(_: int) -> str:
        try:
            return bench.sender().send(bench.account_id, alert, 1)
        except NotSent as refusal:
            return str(refusal)

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(send, range(24)))
    assert outcomes["sent"] == 1
    assert sum(word in text for text in bench.sent()) == 1


def test_mail_waits_for_a_late_address(bench: Bench) -> None:
    alert, word = bench.issue()
    with pytest.raises(NotSent, match="no_address"):
        bench.sender().send(bench.account_id, alert, 1)
    assert bench.status(alert) is MailStatus.RETRYING
    bench.welcome()
    assert bench.sender().send(bench.account_id, alert, 2) == "sent"
    assert sum(word in text for text in bench.sent()) == 1


def test_thousand_concurrent_deliveries_of_three_thresholds_are_three_alerts(bench: Bench) -> None:
    bench.welcome()
    three = [
        new_event(
            bench.account_id,
            ThresholdCrossed(
                period="2026-11", metric="requests", threshold=threshold, used=threshold, limit=100, plan="free"
            ),
        )
        for threshold in (80, 90, 100)
    ]
    deliveries = [three[index % 3] for index in range(1000)]
    random.Random(11).shuffle(deliveries)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(bench.intake.take, deliveries))
    page = bench.alerts.page(bench.account_id, limit=100, after=None, unread=False)
    assert {alert.id for alert in page.alerts if alert.kind == "usage_threshold"} == {id_of(event) for event in three}
    assert len(page.alerts) == 4


def test_pages_of_unread_alerts_list_each_once(bench: Bench) -> None:
    alerts = [bench.issue()[0] for _ in range(12)]
    for alert in alerts[::3]:
        bench.alerts.mark_read(bench.account_id, alert, now_ms=now_ms())
    read, after = [], None
    while True:
        page = bench.alerts.page(bench.account_id, limit=3, after=after, unread=True)
        read += [alert.id for alert in page.alerts]
        if (after := page.next) is None:
            break
    assert read == sorted(set(alerts) - set(alerts[::3]), reverse=True)


def test_bounce_turns_mail_off_until_the_owner_turns_it_on(bench: Bench) -> None:
    def set_email(*, email: bool, at: int) -> None:
        bench.preferences.set(bench.account_id, email=email, thresholds=(80,), now_ms=at)

    def bounced(at: int) -> bool:
        bench.preferences.turn_off(bench.account_id, OffReason.BOUNCED, reported_at_ms=at, now_ms=at)
        return not bench.preferences.get(bench.account_id).email

    assert bounced(1_000)
    assert bench.preferences.get(bench.account_id).thresholds == (80, 90, 100)
    set_email(email=False, at=1_500)
    assert bench.preferences.get(bench.account_id).off_reason is OffReason.BOUNCED
    set_email(email=True, at=2_000)
    assert bench.preferences.get(bench.account_id).off_reason is None
    # One mail that came back before that is told of late, another one after it.
    assert not bounced(1_999)
    assert bounced(2_001)


def test_deleted_account_is_not_recreated(bench: Bench) -> None:
    bench.welcome()
    waiting, word = bench.issue()
    claimed, _ = bench.issue()
    with pytest.raises(SystemExit):
        bench.sender(Deadly(after=False)).send(bench.account_id, claimed, 1)
    read_before = bench.mails.get(bench.account_id, waiting)
    assert read_before is not None

    bench.intake.forget(new_event(bench.account_id, AccountDeleted()))

    assert bench.holding(bench.account_id) == []
    bench.issue()
    bench.welcome()
    with pytest.raises(AccountClosed):
        bench.preferences.set(bench.account_id, email=True, thresholds=(), now_ms=now_ms())
    later = bench.sender(clock=lambda: now_ms() + LEASE_MS)
    assert [later.send(bench.account_id, alert, 2) for alert in (waiting, claimed)] == ["gone", "gone"]

    class Stale(MailStore):
        """Somebody who has read the mail before the account was deleted."""

        def get(self, account_id: str, alert_id: str) -> Outgoing | None:  # noqa: ARG002
            return read_before

    stale = Sender(
        Stale(dynamodb_client(), bench.table),
        SesMailer(ses(), SENDER, CONFIGURATION_SET),
        api_url="",
        dashboard_url=None,
        secret=lambda: b"s" * 32,
        now_ms=now_ms,
    )
    with pytest.raises(NotSent):
        stale.send(bench.account_id, waiting, 1)
    assert bench.holding(bench.account_id) == []
    assert bench.holding(bench.address) == []
    assert not any(word in text for text in bench.sent())


def test_senders_killed_at_random_lose_no_mail_and_repeat_at_most_one_each(bench: Bench) -> None:
    mails, kills, lease_ms = 150, 20, 500
    chance = random.Random(5)
    bench.welcome()
    sqs = bench.local.aws_client("sqs")
    # A message comes again after a claim has ended, as where it is deployed.
    queue = sqs.create_queue(QueueName=f"{bench.table}-mail", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    words = {}
    for _ in range(mails):
        alert, word = bench.issue()
        words[alert] = word
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"account_id": bench.account_id, "alert_id": alert}))
    environment = {
        **os.environ,
        "TABLE": bench.table,
        "MAIL_QUEUE_URL": queue,
        "MAIL_FROM": SENDER,
        "CONFIGURATION_SET": CONFIGURATION_SET,
        "API_URL": "https://api.example.com",
    }

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.support.mail_sender", str(lease_ms)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    interrupted = 0
    for _ in range(kills):
        process = start()
        # Long enough to reach a mail, and short enough not to be through with all of them.
        time.sleep(chance.uniform(0.02, 0.15))
        process.kill()
        process.communicate()
        interrupted += sum(bench.status(alert) is MailStatus.SENDING for alert in words)
    last = start()
    try:
        await_value(lambda: all(bench.status(alert) is MailStatus.SENT for alert in words), within=120, pause=1)
    finally:
        last.kill()
        last.communicate()
    copies = Counter(word for text in bench.sent() for word in words.values() if word in text)
    print(f"\n{kills} kills, {mails} mails, {sum(copies.values()) - mails} repeated, {interrupted} seen in mid-air")
    assert set(copies) == set(words.values())
    assert sum(copies.values()) <= mails + kills
    assert interrupted > 0
