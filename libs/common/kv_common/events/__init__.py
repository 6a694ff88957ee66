"""Events: what happened, told once by the service it happened in and applied once by whoever wants to know."""

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
