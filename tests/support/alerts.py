"""Alerts of an account, in the API and in the mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.tenant import stack_output
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

JSON = dict[str, Any]
SENDER = "KV Storage <no-reply@kv-storage.local>"


def alerts(tenant: Tenant, query: str = "") -> list[JSON]:
    response = tenant.http.get(f"/v1/alerts{query}", headers=tenant.bearer)
    assert response.status_code == 200, response.text
    listed: list[JSON] = response.json()["alerts"]
    return listed


def mails(local: LocalEnvironment, tenant: Tenant) -> list[JSON]:
    """Return the mails of this service to the tenant, oldest first."""
    sent = [mail for mail in local.emulator.mailbox() if mail["To"] == [tenant.email] and mail["Source"] == SENDER]
    return sorted(sent, key=lambda mail: float(mail["Timestamp"]))


def await_alerts(
    tenant: Tenant, *kinds: str, within: float = 30, settled: tuple[str, ...] = ("sent", "off")
) -> list[JSON]:
    """Return the tenant's alerts when they are of exactly these `kinds` and no mail is pending."""

    def look() -> list[JSON]:
        found = alerts(tenant)
        done = all(alert["email"]["status"] in settled for alert in found)
        return found if done and sorted(alert["kind"] for alert in found) == sorted(kinds) else []

    return await_value(look, within=within)


def queue_depth(local: LocalEnvironment, queue: str) -> int:
    sqs = local.aws_client("sqs")
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    url = sqs.get_queue_url(QueueName=f"kv-local-{queue}")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def is_empty(local: LocalEnvironment, queue: str) -> bool:
    return queue_depth(local, queue) == 0


def purge_mail_queue(local: LocalEnvironment) -> None:
    """Drop mails of other files' accounts: without an address they are retried for hours, and would never be done."""
    sqs = local.aws_client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="kv-local-alerts-mail")["QueueUrl"])


def items_containing(local: LocalEnvironment, text: str) -> list[JSON]:
    """Return every item of the service's table that contains `text` anywhere."""
    table = stack_output(local, "alerts", "TableName")
    pages = local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"] if text in str(item)]
