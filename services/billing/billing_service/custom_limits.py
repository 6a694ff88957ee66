"""Custom limits of one account on the business plan, set by an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from billing_service.model import CustomLimits
from billing_service.subscription_sync import Source

if TYPE_CHECKING:
    from billing_service.subscription_sync import SubscriptionSync


class _Limits(msgspec.Struct, forbid_unknown_fields=True):
    requests_per_second: int | None = None
    burst: int | None = None
    requests_per_month: int | None = None
    storage_bytes: int | None = None


class _Agreement(msgspec.Struct, forbid_unknown_fields=True):
    account_id: str
    limits: _Limits


class InvalidCustomLimits(ValueError):
    """The operator's request cannot be read; the message says why."""


def agree(ledger: SubscriptionSync, request: dict[str, Any], correlation_id: str, *, now_us: int) -> dict[str, Any]:
    """Set `limits` of `account_id`: they replace earlier custom limits; what is not named is the plan's."""
    try:
        given = msgspec.convert(request, _Agreement)
    except msgspec.ValidationError as error:
        raise InvalidCustomLimits(str(error)) from error
    custom_limits = CustomLimits(**msgspec.structs.asdict(given.limits))
    if any(limit is not None and limit < 1 for limit in msgspec.structs.asdict(given.limits).values()):
        raise InvalidCustomLimits("a limit is at least 1")
    account = ledger.agree(given.account_id, custom_limits, Source("operator", correlation_id), now_us=now_us)
    return {"account_id": account.id, "plan": account.plan, "limits": account.limits.model_dump()}
