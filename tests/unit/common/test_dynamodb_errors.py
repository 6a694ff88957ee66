"""DynamoDB's failures in our own words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from kv_common.dynamodb import ConditionFailed, delete_all, put_all, translate_errors
from kv_common.errors import Unavailable


def failure(code: str, **response: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "internal words"}, **response}
    return ClientError(answer, "Operation")


def cancelled(*codes: str) -> ClientError:
    return failure("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def test_a_failed_condition_is_told() -> None:
    with pytest.raises(ConditionFailed) as told, translate_errors():
        raise failure("ConditionalCheckFailedException")

    assert told.value.actions == {0}


def test_a_cancelled_transaction_tells_which_conditions_failed() -> None:
    with pytest.raises(ConditionFailed) as told, translate_errors():
        raise cancelled("None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed")

    assert told.value.actions == {1, 3}


def test_a_condition_that_failed_outweighs_a_conflict() -> None:
    with pytest.raises(ConditionFailed) as told, translate_errors():
        raise cancelled("TransactionConflict", "ConditionalCheckFailed")

    assert told.value.actions == {1}


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_cancelled_by_another_one_may_be_repeated(code: str) -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise cancelled("None", code)


@pytest.mark.parametrize(
    "code",
    [
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
    ],
)
def test_what_will_pass_is_unavailable_and_tells_nothing_of_the_inside(code: str) -> None:
    with pytest.raises(Unavailable) as told, translate_errors():
        raise failure(code)

    assert "internal words" not in told.value.message
    assert told.value.headers == {"Retry-After": "1"}


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
    ids=["refused", "connect", "read"],
)
def test_a_table_that_does_not_answer_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise error


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_defect_of_ours_escapes_as_it_is(code: str) -> None:
    with pytest.raises(ClientError, match=code), translate_errors():
        raise failure(code)


def test_success_passes() -> None:
    reached = []
    with translate_errors():
        reached.append("the end")

    assert reached == ["the end"]


class Busy:
    """A table that takes only so many items of each batch."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.taken: list[Any] = []

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        [(table, requests)] = RequestItems.items()
        assert len(requests) <= 25
        self.taken += requests[: self.takes]
        left = requests[self.takes :]
        return {"UnprocessedItems": {table: left} if left else {}}


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def test_what_a_busy_table_leaves_of_a_batch_is_written_later(naps: list[float]) -> None:
    busy = Busy(takes=10)
    items = [{"PK": {"S": str(number)}} for number in range(60)]

    put_all(busy, "table", items)  # type: ignore[arg-type]

    assert [request["PutRequest"]["Item"] for request in busy.taken] == items
    assert len(naps) == 4

    keys = [{"PK": {"S": str(number)}} for number in range(12)]
    busy.taken = []
    delete_all(busy, "table", keys)  # type: ignore[arg-type]
    assert [request["DeleteRequest"]["Key"] for request in busy.taken] == keys


def test_a_table_that_stays_busy_is_unavailable(naps: list[float]) -> None:
    with pytest.raises(Unavailable):
        put_all(Busy(takes=0), "table", [{"PK": {"S": "x"}}])  # type: ignore[arg-type]

    assert len(naps) == 7


def test_nothing_to_write_takes_no_trip() -> None:
    put_all(Busy(takes=0), "table", [])  # type: ignore[arg-type]
