"""DynamoDB's errors as the stores handle them.

Unavailable              the table did not respond or is overloaded; retry later
├── TransactionConflict  a concurrent transaction wrote the same items; retry at once
PayloadTooLarge
└── TransactionTooLarge  the transaction exceeds the 4 MB limit
ConditionFailed          a condition was not met
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
    """A concurrent transaction wrote the same items; the call may be retried at once."""


class TransactionTooLarge(PayloadTooLarge):
    """The items of a transaction exceed the 4 MB limit."""

    def __init__(self) -> None:
        super().__init__("This exceeds the 4 MB transaction limit.", details={"reason": "transaction_size"})


class ConditionFailed(Exception):
    """The condition of a write was not met.

    `actions` are the indexes of a transaction's failed actions, from 0. `item` is the stored item, if a single write
    requested it.
    """

    def __init__(
        self, actions: frozenset[int] = frozenset({0}), item: Mapping[str, AttributeValueTypeDef] | None = None
    ) -> None:
        super().__init__(f"condition failed in actions {sorted(actions)}")
        self.actions = actions
        self.item = item


class _Translation:
    """Translates exceptions of the client; a class, because a generator would cost CPU on every call."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            _translate(error)


_TRANSLATION = _Translation()


def translate_errors() -> AbstractContextManager[None]:
    """Translate failed conditions to ConditionFailed and transient errors to Unavailable; raise others unchanged."""
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
        raise _canceled(error.response) from error
    if code == "TransactionConflictException":
        raise TransactionConflict from error
    if code in _RETRYABLE:
        raise Unavailable from error


def _canceled(response: Mapping[str, Any]) -> Exception:
    reasons = [reason.get("Code") for reason in response.get("CancellationReasons", [])]
    failed = frozenset(index for index, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
    if failed:
        return ConditionFailed(failed)
    if "ValidationError" in reasons:
        return TransactionTooLarge()
    return TransactionConflict() if "TransactionConflict" in reasons else Unavailable()
