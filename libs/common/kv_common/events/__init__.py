"""Events: published by the service in which they happen, consumed by others.

The names below are imported on first use: contracts are pydantic models, which no request for values needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kv_common.events.contracts import (
        AccountCreated,
        AccountDeleted,
        ApiKeyIssued,
        ApiKeyRevoked,
        ApiKeyUsed,
        Contract,
        JobDue,
        NamespaceCreated,
        NamespaceDeleted,
        PaymentFailed,
        PlanChanged,
        PlanChangeScheduled,
        PlanLimits,
        RequestServed,
        Served,
        StorageChanged,
        ThresholdCrossed,
    )
    from kv_common.events.envelope import Event, decode
    from kv_common.events.errors import InvalidEvent, UnknownEvent

__all__ = [
    "AccountCreated",
    "AccountDeleted",
    "ApiKeyIssued",
    "ApiKeyRevoked",
    "ApiKeyUsed",
    "Contract",
    "Event",
    "InvalidEvent",
    "JobDue",
    "NamespaceCreated",
    "NamespaceDeleted",
    "PaymentFailed",
    "PlanChangeScheduled",
    "PlanChanged",
    "PlanLimits",
    "RequestServed",
    "Served",
    "StorageChanged",
    "ThresholdCrossed",
    "UnknownEvent",
    "decode",
]

_MODULES = {"Event": "envelope", "decode": "envelope", "InvalidEvent": "errors", "UnknownEvent": "errors"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'contracts')}"), name)
