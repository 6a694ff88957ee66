"""docs/events/example, deployed and run: a consumer outside of the repository subscribes to the bus."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.deploy.cloud import EMULATOR_KEY, EMULATOR_SECRET
from infra.deploy.stack import Stack, TemplateSource
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

EXAMPLE = Path(__file__).parents[2] / "docs" / "events" / "example"


@pytest.fixture(scope="module")
def outputs(local: LocalEnvironment) -> Iterator[dict[str, str]]:
    stack = Stack(local.aws_client("cloudformation"), "my-subscriber", lambda _: None, interval=0.05)
    stack.deploy(TemplateSource(body=(EXAMPLE / "template.json").read_text()), {"Stage": "local"}, {})
    yield stack.outputs()
    stack.delete()


class Consumer:
    """The script, in its own process."""

    def __init__(self, local: LocalEnvironment, queue: str, folder: Path) -> None:
        self.database = folder / "keys.db"
        self._log = folder / "consume.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(EXAMPLE / "consume.py"), queue, str(self.database)],
                env={
                    "PATH": os.environ["PATH"],
                    "AWS_ENDPOINT_URL": local.aws_endpoint,
                    "AWS_DEFAULT_REGION": "us-east-1",
                    "AWS_ACCESS_KEY_ID": EMULATOR_KEY,
                    "AWS_SECRET_ACCESS_KEY": EMULATOR_SECRET,
                    "NO_PROXY": "*",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def await_line(self, text: str) -> str:
        def found() -> str:
            assert self.process.poll() is None, self._log.read_text()
            return next((line for line in self._log.read_text().splitlines() if line.startswith(text)), "")

        return await_value(found, within=15)

    def keys(self, account: str) -> list[str]:
        database = sqlite3.connect(self.database)
        try:
            return [row[0] for row in database.execute("SELECT key_id FROM keys WHERE account_id = ?", (account,))]
        finally:
            database.close()


@pytest.fixture(scope="module")
def consumer(
    local: LocalEnvironment, outputs: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Consumer]:
    running = Consumer(local, outputs["QueueUrl"], tmp_path_factory.mktemp("subscriber"))
    yield running
    running.process.terminate()
    running.process.wait(10)


def test_created_key_reaches_the_subscriber_once(
    local: LocalEnvironment, consumer: Consumer, outputs: dict[str, str], tenant: Tenant
) -> None:
    key = tenant.new_key()
    consumer.await_line(f"applied ApiKeyIssued {key['id']}#issued")
    again = {"detail-type": "ApiKeyIssued", "detail": {"id": f"{key['id']}#issued", "data": {}}}
    local.aws_client("sqs").send_message(QueueUrl=outputs["QueueUrl"], MessageBody=json.dumps(again))
    consumer.await_line(f"seen before ApiKeyIssued {key['id']}#issued")

    assert consumer.keys(tenant.account_id) == [key["id"]]


def test_unknown_events_are_ignored_and_unreadable_ones_redelivered(
    local: LocalEnvironment, http: httpx.Client, consumer: Consumer, outputs: dict[str, str], tenant: Tenant
) -> None:
    sqs = local.aws_client("sqs")
    # Failed messages are redelivered at once instead of after a minute. A poll in progress keeps the minute, so
    # the events are published before.
    sqs.set_queue_attributes(QueueUrl=outputs["QueueUrl"], Attributes={"VisibilityTimeout": "0"})
    try:
        key = tenant.new_key()
        assert http.delete(f"/v1/api-keys/{key['id']}", headers=tenant.bearer).status_code == 204
        consumer.await_line(f"not ours ApiKeyRevoked {key['id']}#revoked")
        sqs.send_message(QueueUrl=outputs["QueueUrl"], MessageBody="no event")
        consumer.await_line("failed ")

        def dead_letters() -> list[dict[str, Any]]:
            dead = outputs["DeadLetterQueueUrl"]
            messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", [])
            return messages

        assert await_value(dead_letters, within=20)[0]["Body"] == "no event"
    finally:
        sqs.set_queue_attributes(QueueUrl=outputs["QueueUrl"], Attributes={"VisibilityTimeout": "60"})
