"""kv_common.events.consumer and kv_common.events.batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kv_common.events import AccountCreated, Event
from kv_common.events.batch import process_records
from kv_common.events.consumer import Consumer
from kv_common.events.contracts import ApiKeyIssued

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord


def message(message_id: str, body: object = None, *, email: str = "a@example.com") -> dict[str, Any]:
    event = Event(f"event-{message_id}", "account-1", "correlation-1", 0, AccountCreated(email=email))
    if body is None:
        body = {"detail-type": event.name, "source": "kv.auth", "detail": json.loads(event.encode())}
    return {"messageId": message_id, "body": body if isinstance(body, str) else json.dumps(body)}


class Inbox:
    """A handler that records event ids and fails for one address."""

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


def test_successful_batch_reports_no_failure(consumer: Consumer, inbox: Inbox) -> None:
    assert consumer.consume({"Records": [message("1"), message("2")]}) == {"batchItemFailures": []}
    assert inbox.seen == ["event-1", "event-2"]


def test_only_the_failed_message_is_reported(consumer: Consumer, inbox: Inbox, lines: list[dict[str, object]]) -> None:
    records = [message("1"), message("2", email="poison"), message("3")]
    assert failed(consumer.consume({"Records": records})) == ["2"]
    assert inbox.seen == ["event-1", "event-3"]
    assert (lines[1]["outcome"], lines[1]["exception"], lines[1]["event_id"]) == ("failed", "RuntimeError", "event-2")
    # An exception's message may contain event data.
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
def test_unreadable_or_unknown_event_fails_and_its_reason_is_logged(
    consumer: Consumer, inbox: Inbox, lines: list[dict[str, object]], body: object
) -> None:
    assert failed(consumer.consume({"Records": [message("1", body), message("2")]})) == ["1"]
    assert inbox.seen == ["event-2"]
    assert (lines[0]["level"], lines[0]["outcome"]) == ("ERROR", "refused")
    assert lines[0]["reason"]


def test_batch_whose_messages_all_fail_reports_each_of_them(consumer: Consumer, inbox: Inbox) -> None:
    records = [message("1", email="poison"), message("2", "not JSON")]
    assert failed(consumer.consume({"Records": records})) == ["1", "2"]
    assert inbox.seen == []


def test_log_line_has_no_event_data(consumer: Consumer, lines: list[dict[str, object]]) -> None:
    consumer.consume({"Records": [message("1")]})
    assert lines == [
        {
            "message_id": "1",
            "event": "AccountCreated",
            "event_id": "event-1",
            "correlation_id": "correlation-1",
            "account_id": "account-1",
            "outcome": "done",
        }
    ]


def stream_record(number: int) -> dict[str, Any]:
    key = {"PK": {"S": "partition"}, "SK": {"S": str(number)}}
    return {"eventName": "INSERT", "dynamodb": {"Keys": key, "SequenceNumber": str(number), "NewImage": key}}


@pytest.mark.parametrize(
    ("poison", "processed", "failures"), [("3", ["1", "2"], ["3"]), ("1", [], ["1"]), ("", None, [])]
)
def test_stream_is_processed_up_to_the_first_failed_record(
    poison: str, processed: list[str] | None, failures: list[str]
) -> None:
    done: list[str] = []

    def handle(record: DynamoDBRecord) -> None:
        assert record.dynamodb is not None
        if record.dynamodb.keys["SK"] == poison:
            raise RuntimeError
        done.append(record.dynamodb.keys["SK"])

    response = process_records([stream_record(number) for number in range(1, 6)], handle)

    assert failed(response) == failures
    assert done == (["1", "2", "3", "4", "5"] if processed is None else processed)


def test_stream_processing_can_be_repeated() -> None:
    calls = 0

    def handle(_: DynamoDBRecord) -> None:
        nonlocal calls
        calls += 1

    for _ in range(2):
        assert failed(process_records([stream_record(1)], handle)) == []
    assert calls == 2
