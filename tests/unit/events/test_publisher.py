"""kv_common.events.publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kv_common.events import AccountCreated, Event
from kv_common.events.outbox import outbox_put
from kv_common.events.publisher import ATTEMPTS, Publisher

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bus:
    """Fake EventBridge; `refusals` maps event ids to how often they are rejected."""

    def __init__(self, refusals: dict[str, int] | None = None) -> None:
        self.refusals = refusals or {}
        self.calls: list[list[str]] = []
        self.taken: list[str] = []
        self.entries: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        responses = []
        self.calls.append([entry["Detail"].split('"')[3] for entry in Entries])
        for entry, event_id in zip(Entries, self.calls[-1], strict=True):
            if self.refusals.get(event_id, 0) > 0:
                self.refusals[event_id] -= 1
                responses.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
            else:
                self.taken.append(event_id)
                self.entries.append(entry)
                responses.append({"EventId": "of EventBridge's own"})
        return {"FailedEntryCount": sum("ErrorCode" in response for response in responses), "Entries": responses}


def inserted(event_id: str) -> dict[str, Any]:
    event = Event(event_id, "account-1", "correlation-1", 0, AccountCreated(email="a@example.com"))
    item = outbox_put("table", event)["Put"]["Item"]
    return record("INSERT", new=item, sequence_number=f"seq-{event_id}")


def record(
    event_name: str,
    *,
    new: Mapping[str, Any] | None = None,
    old: Mapping[str, Any] | None = None,
    sequence_number: str = "1",
) -> dict[str, Any]:
    item = new or old or {}
    change: dict[str, Any] = {"Keys": {"PK": item["PK"], "SK": item["SK"]}, "SequenceNumber": sequence_number}
    if new is not None:
        change["NewImage"] = new
    if old is not None:
        change["OldImage"] = old
    return {"eventName": event_name, "dynamodb": change}


def publisher(bus: Bus, lines: list[dict[str, object]] | None = None) -> Publisher:
    log = (lines if lines is not None else []).append
    return Publisher(bus, "kv-test", "kv.auth", sleep=lambda _seconds: None, log=log)  # type: ignore[arg-type]


def test_events_are_published_in_order_ten_per_call() -> None:
    bus = Bus()
    response = publisher(bus).publish([inserted(f"e{number:02}") for number in range(23)])
    assert response == {"batchItemFailures": []}
    assert [len(call) for call in bus.calls] == [10, 10, 3]
    assert bus.taken == [f"e{number:02}" for number in range(23)]
    assert {key: bus.entries[0][key] for key in ("EventBusName", "Source", "DetailType")} == {
        "EventBusName": "kv-test",
        "Source": "kv.auth",
        "DetailType": "AccountCreated",
    }


def test_only_rejected_entries_are_retried() -> None:
    bus = Bus({"b": 1, "d": 2})
    response = publisher(bus).publish([inserted(event_id) for event_id in "abcde"])
    assert response == {"batchItemFailures": []}
    assert bus.calls == [["a", "b", "c", "d", "e"], ["b", "d"], ["d"]]
    assert sorted(bus.taken) == list("abcde")


def test_batch_fails_at_an_event_that_stays_rejected() -> None:
    bus = Bus({"c": 99})
    lines: list[dict[str, object]] = []
    response = publisher(bus, lines).publish([inserted(event_id) for event_id in "abcde"])
    assert response == {"batchItemFailures": [{"itemIdentifier": "seq-c"}]}
    assert len(bus.calls) == ATTEMPTS
    assert bus.calls[-1] == ["c"]
    (refused,) = [line for line in lines if line.get("level") == "ERROR"]
    assert (refused["event_id"], refused["correlation_id"]) == ("c", "correlation-1")
    assert "ThrottlingException" in str(refused["reason"])


def test_events_after_a_failed_call_are_left_for_redelivery() -> None:
    bus = Bus({"e03": 99})
    publisher(bus).publish([inserted(f"e{number:02}") for number in range(15)])
    assert "e12" not in bus.taken


KEYS = {"PK": {"S": "ACCOUNT#account-1"}, "SK": {"S": "OUTBOX#e1"}}
EVENT = {**KEYS, "name": {"S": "AccountDeleted"}, "detail": {"S": "{}"}}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(record("REMOVE", old=EVENT), id="expired or deleted"),
        pytest.param(
            record("MODIFY", old={**EVENT, "ttl": {"N": "1"}}, new={**EVENT, "ttl": {"N": "2"}}), id="kept longer"
        ),
        pytest.param(
            record("INSERT", new={**KEYS, "SK": {"S": "PROFILE"}, "name": {"S": "x"}}), id="another item of the account"
        ),
        pytest.param(record("INSERT", new={**EVENT, "PK": {"S": "V#ns_1"}}), id="a value whose key a customer chose"),
    ],
)
def test_only_new_events_of_the_outbox_are_published(change: dict[str, Any]) -> None:
    bus = Bus()
    assert publisher(bus).publish([change]) == {"batchItemFailures": []}
    assert bus.calls == []


def test_changed_event_is_published_again_under_its_id() -> None:
    bus = Bus()
    before, after = inserted("e1"), inserted("e1")
    detail = before["dynamodb"]["NewImage"]["detail"]["S"]
    after["dynamodb"]["OldImage"] = before["dynamodb"]["NewImage"]
    after["dynamodb"]["NewImage"] = {
        **before["dynamodb"]["NewImage"],
        "detail": {"S": detail.replace("a@example.com", "b@example.com")},
    }
    assert publisher(bus).publish([before, after]) == {"batchItemFailures": []}
    assert bus.taken == ["e1", "e1"]
    assert "b@example.com" in bus.entries[1]["Detail"]


def test_each_published_event_is_logged_once_beside_rejected_ones() -> None:
    lines: list[dict[str, object]] = []
    publisher(Bus({"b": 1, "d": 99}), lines).publish([inserted(event_id) for event_id in "abcde"])
    published = [str(line["event_id"]) for line in lines if line.get("message") == "published"]
    assert sorted(published) == ["a", "b", "c", "e"]


def test_log_line_has_ids_but_no_event_data() -> None:
    lines: list[dict[str, object]] = []
    publisher(Bus(), lines).publish([inserted("e1")])
    assert (lines[0]["event_id"], lines[0]["correlation_id"]) == ("e1", "correlation-1")
    assert "a@example.com" not in str(lines)
