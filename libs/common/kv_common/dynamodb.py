"""The DynamoDB client as the stores use it: short time-outs, no resources, and failures in our own words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

_TRY_LATER = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class ConditionFailed(Exception):
    """The item was not in the state that the write asked for; in a transaction, `actions` counts which, from 0."""

    def __init__(self, actions: frozenset[int] = frozenset({0})) -> None:
        super().__init__(f"condition failed in actions {sorted(actions)}")
        self.actions = actions


def client() -> DynamoDBClient:
    """Return a low-level client; region, credentials and endpoint come from the environment."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 3},
            # Our own stores build every request; checking each against the API's model would cost CPU per call.
            parameter_validation=False,
            tcp_keepalive=True,
        ),
    )


@contextmanager
def errors_translated() -> Iterator[None]:
    """Turn a failed condition into ConditionFailed and what will pass into Unavailable; let the rest escape."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as BotoConnectionError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed from error
        if code == "TransactionCanceledException":
            raise _cancelled(error.response) from error
        if code in _TRY_LATER:
            raise Unavailable from error
        raise
    except (BotoConnectionError, HTTPClientError) as error:
        raise Unavailable from error


def _cancelled(response: Mapping[str, Any]) -> Exception:
    reasons = enumerate(response.get("CancellationReasons", []))
    failed = frozenset(index for index, reason in reasons if reason.get("Code") == "ConditionalCheckFailed")
    return ConditionFailed(failed) if failed else Unavailable()
