"""Webhooks out of the queue: each on its own, refused ones out of the way, failed ones once more."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from billing_service.webhooks import WebhookConsumer
from infra.paddle_simulator.simulator import webhook
from kv_common.errors import Unavailable
from tests.unit.billing.fakes import ACCOUNT, NOW, FakeBillingStore, FakeWebhookQueue, bought, ledger


class Scene:
    """The consumer over fakes."""

    def __init__(self) -> None:
        self.store, self.webhook_queue = FakeBillingStore(ACCOUNT), FakeWebhookQueue()
        self.measured: list[str] = []
        self.lines: list[dict[str, object]] = []
        self.consumer = WebhookConsumer(
            ledger(self.store), self.webhook_queue, emit_metric=self.measured.append, log=self.lines.append
        )

    def consume(self, *bodies: str, attributes: dict[str, Any] | None = None) -> list[str]:
        records = [
            {"messageId": str(index), "body": body, "messageAttributes": attributes or {}}
            for index, body in enumerate(bodies)
        ]
        response = self.consumer.consume({"Records": records})
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def body(event: str = "subscription.activated", **changes: Any) -> str:
    return webhook(event, replace(bought(), **changes), NOW).body.decode()


FOREIGN = {"price_id": "pri_01somebodyelses"}


def test_what_is_refused_is_buried_at_once_and_stops_nothing(scene: Scene) -> None:
    refused, malformed = body(**FOREIGN), "no JSON"
    assert scene.consume(refused, body(), malformed) == []
    assert scene.webhook_queue.buried == [(refused, "unknown_price"), (malformed, "malformed")]
    assert scene.measured == ["WebhookRefused"] * 2
    assert [line["outcome"] for line in scene.lines] == ["refused", "applied", "refused"]
    assert [line.get("level") for line in scene.lines] == ["ERROR", None, "ERROR"]
    assert scene.lines[0]["event_id"] == json.loads(refused)["event_id"]
    assert scene.store.accounts[ACCOUNT].plan == "pro"


def test_what_cannot_be_buried_comes_again(scene: Scene) -> None:
    scene.webhook_queue.down = True
    assert scene.consume(body(**FOREIGN), body()) == ["0"]
    assert scene.measured == []


def test_what_fails_comes_again_and_the_others_are_done(scene: Scene) -> None:
    scene.store.problem = Unavailable()
    assert scene.consume(body(), "no JSON") == ["0"]
    assert scene.lines[0]["exception"] == "Unavailable"
    scene.store.problem = None
    assert scene.consume(body()) == []


def test_a_defect_of_ours_is_logged_without_what_was_told(scene: Scene) -> None:
    scene.store.problem = RuntimeError("with a secret in it")
    assert scene.consume(body()) == ["0"]
    assert "secret" not in json.dumps(scene.lines)
    assert scene.lines[0]["stack"]


def test_the_correlation_id_of_the_request_leads_on_and_after_a_redrive_paddles_own_does(scene: Scene) -> None:
    first = body()
    given = {"correlation_id": {"stringValue": "request-1", "dataType": "String"}}
    scene.consume(first, attributes=given)
    assert (scene.lines[0]["correlation_id"], scene.store.told[0].correlation_id) == ("request-1", "request-1")
    scene.consume(first)
    assert (scene.lines[1]["correlation_id"], scene.lines[1]["outcome"]) == (
        json.loads(first)["event_id"],
        "seen before",
    )
