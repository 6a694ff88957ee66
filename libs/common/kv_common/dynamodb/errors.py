"""DynamoDB's failures as the stores handle them.

Unavailable              the table did not answer, or cannot serve now; repeating later is right
├── TransactionConflict  another transaction was writing the same items
PayloadTooLarge
└── TransactionTooLarge  the transaction exceeds 4 MB
ConditionFailed          a condition did not hold
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kv_common.errors import PayloadTooLarge, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_RETRYABLE = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


class TransactionConflict(Unavailable):
    """Another transaction was writing the same items; trying again at once is right."""


class TransactionTooLarge(PayloadTooLarge):
    """The items of a transaction are larger together than DynamoDB takes at one moment."""

    def __init__(self) -> None:
        super().__init__(
            "This is more than can be read or written at one moment: 4 MB.", details={"reason": "transaction_size"}
        )


class ConditionFailed(Exception):
    """The item was not in the state that the write asked for; in a transaction, `actions` counts which, from 0.

    `item` is the item that stood there, where a single write asked for it.
    """

    def __init__(
        self, actions: frozenset[int] = frozenset({0}), item: Mapping[str, AttributeValueTypeDef] | None = None
    ) -> None:
        super().__init__(f"condition failed in actions {sorted(actions)}")
        self.actions = actions
        self.item = item


class _Translation:
    """Turns what the client raises into our own words; it is no generator, for it stands around every call."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            _translate(error)


_TRANSLATION = _Translation()


def translate_errors() -> AbstractContextManager[None]:
    """Turn a failed condition into ConditionFailed and what will pass into Unavailable; let the rest escape."""
    return _TRANSLATION


def _translate(error: BaseException) -> None:
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as BotoConnectionError

    if isinstance(error, (BotoConnectionError, HTTPClientError)):
        raise Unavailable from error
    if not isinstance(error, ClientError):
        return
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        item = cast("Mapping[str, AttributeValueTypeDef] | None", error.response.get("Item"))
        raise ConditionFailed(item=item) from error
    if code == "TransactionCanceledException":
        raise _cancelled(error.response) from error
    if code == "TransactionConflictException":
        raise TransactionConflict from error
    if code in _RETRYABLE:
        raise Unavailable from error


def _cancelled(response: Mapping[str, Any]) -> Exception:
    reasons = [reason.get("Code") for reason in response.get("CancellationReasons", [])]
    failed = frozenset(index for index, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
    if failed:
        return ConditionFailed(failed)
    if "ValidationError" in reasons:
        return TransactionTooLarge()
    return TransactionConflict() if "TransactionConflict" in reasons else Unavailable()
