"""Events: what happened, told once by the service it happened in and applied once by whoever wants to know."""

from kv_common.events.contracts import AccountCreated, ApiKeyIssued, ApiKeyRevoked, Contract
from kv_common.events.envelope import Event, InvalidEvent, UnknownEvent, decode

__all__ = [
    "AccountCreated",
    "ApiKeyIssued",
    "ApiKeyRevoked",
    "Contract",
    "Event",
    "InvalidEvent",
    "UnknownEvent",
    "decode",
]
