"""The consumer: each message succeeds or fails alone, and nothing is dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kv_common.events import AccountCreated, Event
from kv_common.events.consumer import Consumer
from kv_common.events.contracts import ApiKeyIssued


def message(message_id: str, body: object = None, *, email: str = "a@example.com") -> dict[str, Any]:
    event = Event(f"event-{message_id}", "account-1", "correlation-1", 0, AccountCreated(email))
    if body is None:
        body = {"detail-type": event.name, "source": "kv.auth", "detail": json.loads(event.encode())}
    return {"messageId": message_id, "body": body if isinstance(body, str) else json.dumps(body)}


class Inbox:
    """A handler that remembers, and fails for one address."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def take(self, event: Event) -> None:
        assert isinstance(event.data, AccountCreated)
        if event.data.email == "poison":
            raise RuntimeError(f"no way to deal with {event.account_id} of {event.data.email}")
        self.seen.append(event.id)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def lines() -> list[dict[str, object]]:
    return []


@pytest.fixture
def consumer(inbox: Inbox, lines: list[dict[str, object]]) -> Consumer:
    return Consumer("kv", {"AccountCreated": inbox.take}, log=lines.append)


def failed(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_batch_that_succeeds_reports_no_failure(consumer: Consumer, inbox: Inbox) -> None:
    assert consumer.consume({"Records": [message("1"), message("2")]}) == {"batchItemFailures": []}
    assert inbox.seen == ["event-1", "event-2"]


def test_a_message_that_fails_comes_again_alone(
    consumer: Consumer, inbox: Inbox, lines: list[dict[str, object]]
) -> None:
    records = [message("1"), message("2", email="poison"), message("3")]
    assert failed(consumer.consume({"Records": records})) == ["2"]
    assert inbox.seen == ["event-1", "event-3"]
    assert (lines[1]["outcome"], lines[1]["exception"], lines[1]["event_id"]) == ("failed", "RuntimeError", "event-2")
    # An exception's message may quote what the event holds.
    assert "no way to deal with account-1" not in str(lines)


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        [],
        {},
        {"detail-type": "AccountCreated"},
        {"detail-type": "AccountCreated", "detail": {}},
        {"detail-type": ["AccountCreated"], "detail": {}},
        {"detail-type": "Unheard", "detail": {}},
        {"detail-type": ApiKeyIssued.event_name(), "detail": {}},
    ],
)
def test_what_cannot_be_read_or_has_no_handler_fails_with_its_reason_in_the_log(
    consumer: Consumer, inbox: Inbox, lines: list[dict[str, object]], body: object
) -> None:
    assert failed(consumer.consume({"Records": [message("1", body), message("2")]})) == ["1"]
    assert inbox.seen == ["event-2"]
    assert (lines[0]["level"], lines[0]["outcome"]) == ("ERROR", "refused")
    assert lines[0]["reason"]
