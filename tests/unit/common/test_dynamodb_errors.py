"""kv_common.dynamodb.errors."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from kv_common.dynamodb import ConditionFailed, translate_errors
from kv_common.errors import Unavailable


def failure(code: str, **response: Any) -> ClientError:
    content: Any = {"Error": {"Code": code, "Message": "internal details"}, **response}
    return ClientError(content, "Operation")


def canceled(*codes: str) -> ClientError:
    return failure("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def test_failed_condition_is_action_0() -> None:
    with pytest.raises(ConditionFailed) as raised, translate_errors():
        raise failure("ConditionalCheckFailedException")

    assert raised.value.actions == {0}


def test_canceled_transaction_lists_its_failed_conditions() -> None:
    with pytest.raises(ConditionFailed) as raised, translate_errors():
        raise canceled("None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed")

    assert raised.value.actions == {1, 3}


def test_failed_condition_takes_precedence_over_conflict() -> None:
    with pytest.raises(ConditionFailed) as raised, translate_errors():
        raise canceled("TransactionConflict", "ConditionalCheckFailed")

    assert raised.value.actions == {1}


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_transaction_canceled_by_contention_is_unavailable(code: str) -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise canceled("None", code)


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
def test_transient_error_is_unavailable_without_internal_details(code: str) -> None:
    with pytest.raises(Unavailable) as raised, translate_errors():
        raise failure(code)

    assert "internal details" not in raised.value.message
    assert raised.value.headers == {"Retry-After": "1"}


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
    ids=["refused", "connect", "read"],
)
def test_unreachable_table_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise error


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_client_mistake_is_not_translated(code: str) -> None:
    with pytest.raises(ClientError, match=code), translate_errors():
        raise failure(code)


def test_other_exceptions_are_not_translated() -> None:
    with pytest.raises(KeyError), translate_errors():
        raise KeyError
