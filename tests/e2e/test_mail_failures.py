"""Failures of mails: rejections by SES, bounces, invalid messages. None is lost without an alarm."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from infra.operations.queues.redrive import redrive
from kv_common.events import ApiKeyIssued, Event
from tests.support.alerts import alerts, await_alerts, mails
from tests.support.bus import new_event, publish
from tests.support.tenant import Tenant, stack_output
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment

JSON = dict[str, Any]
PREFERENCES = "/v1/alerts/preferences"


def issued(owner: Tenant) -> Event:
    return new_event(
        owner.account_id, ApiKeyIssued(key_id="key_1", display="kv_live_x", namespaces=("*",), scopes=("read",))
    )


def mail_status(owner: Tenant) -> str:
    """Return what has become of the mail of the newest alert, which is that a key was issued."""
    newest = alerts(owner)[0]
    return str(newest["email"]["status"]) if newest["kind"] == "api_key_issued" else ""


def url(local: LocalEnvironment, queue: str) -> str:
    found: str = local.aws_client("sqs").get_queue_url(QueueName=f"kv-local-{queue}")["QueueUrl"]
    return found


@contextmanager
def sandbox(local: LocalEnvironment) -> Iterator[None]:
    """SES takes no mail to addresses that it has not verified."""
    client = local.aws_client("sesv2")

    def put(*, production: bool) -> None:
        client.put_account_details(
            MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=production
        )

    put(production=False)
    try:
        yield
    finally:
        put(production=True)


@contextmanager
def redelivered_at_once(local: LocalEnvironment, queue: str) -> Iterator[None]:
    """What fails comes again at once, and not in three minutes."""
    sqs = local.aws_client("sqs")
    sqs.set_queue_attributes(QueueUrl=url(local, queue), Attributes={"VisibilityTimeout": "0"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url(local, queue), Attributes={"VisibilityTimeout": "180"})


def buried(local: LocalEnvironment, queue: str, word: str) -> str:
    """Take the message that holds `word` out of a dead-letter queue, once it is there."""
    sqs = local.aws_client("sqs")

    def look() -> list[JSON]:
        found = sqs.receive_message(QueueUrl=url(local, queue), WaitTimeSeconds=1, MaxNumberOfMessages=10)
        return [message for message in found.get("Messages", []) if word in message["Body"]]

    message = await_value(look, within=30)[0]
    sqs.delete_message(QueueUrl=url(local, queue), ReceiptHandle=message["ReceiptHandle"])
    return str(message["Body"])


def test_mail_rejected_by_ses_is_sent_later(local: LocalEnvironment, owner: Tenant) -> None:
    with sandbox(local):
        publish(local, "kv.auth", [issued(owner)])
        await_value(lambda: mail_status(owner) == "retrying", within=30)
        (item,) = stored(local, alerts(owner)[0]["id"])
        assert item["mailReason"]["S"] == "MessageRejected"
    # The first delay is half a minute.
    await_value(lambda: mail_status(owner) == "sent", within=60, pause=0.5)
    assert len(mails(local, owner)) == 2


def test_dead_lettered_mail_is_sent_by_a_redrive(local: LocalEnvironment, owner: Tenant) -> None:
    with sandbox(local):
        publish(local, "kv.auth", [issued(owner)])
        await_value(lambda: mail_status(owner) == "retrying", within=30)
        job = {"account_id": owner.account_id, "alert_id": alerts(owner)[0]["id"]}
        last = {
            "messageId": "m-1",
            "receiptHandle": "none",
            "body": json.dumps(job),
            "attributes": {"ApproximateReceiveCount": "7"},
        }
        stack = local.aws_client("cloudformation")
        found = stack.describe_stack_resource(StackName="kv-local-alerts", LogicalResourceId="SendMails")
        function = found["StackResourceDetail"]["PhysicalResourceId"]
        records = json.dumps({"Records": [last]}).encode()
        response = local.aws_client("lambda").invoke(FunctionName=function, Payload=records)
        assert json.load(response["Payload"])["batchItemFailures"] == [{"itemIdentifier": "m-1"}]
        assert mail_status(owner) == "failed"
    sqs = local.aws_client("sqs")
    sqs.send_message(QueueUrl=url(local, "alerts-mail-dlq"), MessageBody=json.dumps(job))
    redrive(sqs, "local", "alerts-mail", lambda _: None)
    await_value(lambda: mail_status(owner) == "sent", within=30)
    assert len(mails(local, owner)) == 2


def stored(local: LocalEnvironment, alert_id: str) -> list[JSON]:
    """Return the alert's item."""
    table = stack_output(local, "alerts", "TableName")
    pages = local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"] if alert_id in item["SK"]["S"]]


def feedback(local: LocalEnvironment, owner: Tenant, alert_id: str, name: str, **told: object) -> JSON:
    """Return what SES tells of an alert's mail on the default bus."""
    (item,) = stored(local, alert_id)
    mail = {
        "timestamp": alerts(owner)[0]["created_at"],
        "messageId": item["messageId"]["S"],
        "tags": {
            "ses:configuration-set": ["kv-local-alerts"],
            "account": [owner.account_id],
            "alert": [alert_id],
        },
    }
    return {
        "version": "0",
        "id": "event-1",
        "account": "000000000000",
        "time": "2026-11-20T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "source": "aws.ses",
        "detail-type": name,
        "detail": {"mail": mail, **told},
    }


def hand_over(local: LocalEnvironment, event: JSON) -> None:
    """Put SES's event where the rule puts it: the emulator's SES tells nothing, and nobody else may speak for it."""
    local.aws_client("sqs").send_message(QueueUrl=url(local, "alerts-feedback"), MessageBody=json.dumps(event))


PERMANENT = {"bounce": {"bounceType": "Permanent", "bounceSubType": "General"}}
TRANSIENT = {"bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"}}


@pytest.mark.parametrize(
    ("name", "told", "reason"),
    [("Email Bounced", PERMANENT, "bounced"), ("Email Complaint Received", {"complaint": {}}, "complained")],
)
def test_bounces_and_complaints_turn_mail_off_until_the_owner_turns_it_on(
    local: LocalEnvironment, owner: Tenant, name: str, told: JSON, reason: str
) -> None:
    (welcome,) = alerts(owner)
    hand_over(local, feedback(local, owner, welcome["id"], name, **told))

    def off() -> str:
        preferences = owner.http.get(PREFERENCES, headers=owner.bearer).json()
        return "" if preferences["email"] else str(preferences["email_off"]["reason"])

    assert await_value(off, within=30) == reason
    await_value(lambda: alerts(owner)[0]["email"]["status"] == reason, within=10)
    publish(local, "kv.auth", [issued(owner)])
    await_alerts(owner, "welcome", "api_key_issued", settled=("sent", "off", reason))
    assert len(mails(local, owner)) == 1
    on = {"email": True, "thresholds": [80, 90, 100]}
    assert owner.http.put(PREFERENCES, json=on, headers=owner.bearer).json() == on
    publish(local, "kv.auth", [issued(owner)])
    await_value(lambda: len(mails(local, owner)) == 2, within=30)


def test_transiently_bounced_mail_is_queued_again(local: LocalEnvironment, owner: Tenant) -> None:
    (welcome,) = alerts(owner)
    sqs = local.aws_client("sqs")
    delayed = "ApproximateNumberOfMessagesDelayed"
    for _ in range(2):
        hand_over(local, feedback(local, owner, welcome["id"], "Email Bounced", **TRANSIENT))
    try:
        await_value(lambda: alerts(owner)[0]["email"]["status"] == "pending", within=30)

        def waiting() -> int:
            found = sqs.get_queue_attributes(QueueUrl=url(local, "alerts-mail"), AttributeNames=[delayed])
            return int(found["Attributes"][delayed])

        assert await_value(waiting, within=30) == 1
        assert owner.http.get(PREFERENCES, headers=owner.bearer).json()["email"] is True
    finally:
        sqs.purge_queue(QueueUrl=url(local, "alerts-mail"))


def test_rule_matches_only_ses_events_of_this_stage(local: LocalEnvironment, owner: Tenant) -> None:
    events = local.aws_client("events")
    (rule,) = (rule for rule in events.list_rules()["Rules"] if "aws.ses" in rule.get("EventPattern", ""))
    (welcome,) = alerts(owner)
    bounced = feedback(local, owner, welcome["id"], "Email Bounced", **PERMANENT)

    def takes(event: JSON) -> bool:
        response = events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))
        return bool(response["Result"])

    assert takes(bounced)
    assert not takes({**bounced, "detail-type": "Email Opened"})
    bounced["detail"]["mail"]["tags"]["ses:configuration-set"] = ["kv-prod-alerts"]
    assert not takes(bounced)
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].endswith(":kv-local-alerts-feedback")


@pytest.mark.parametrize(
    ("queue", "body"),
    [
        ("alerts-events", {"detail-type": "ThresholdCrossed", "detail": {"id": "poison", "version": 99}}),
        ("alerts-feedback", {"detail-type": "Email Bounced", "detail": {"id": "poison"}}),
        ("alerts-mail", {"poison": "no job"}),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_invalid_message_is_dead_lettered_and_others_are_processed(
    local: LocalEnvironment, owner: Tenant, queue: str, body: JSON
) -> None:
    with redelivered_at_once(local, queue):
        local.aws_client("sqs").send_message(QueueUrl=url(local, queue), MessageBody=json.dumps(body))
        assert json.loads(buried(local, f"{queue}-dlq", "poison")) == body
    publish(local, "kv.auth", [issued(owner)])
    await_alerts(owner, "welcome", "api_key_issued")
