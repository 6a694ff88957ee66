"""The data of every event, by name and version.

Adding a member with a default keeps the version: readers take what they know. Any other change raises it, and
`UPCASTERS` then holds a function that turns the data of the version before into that of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import msgspec

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Contract(msgspec.Struct, frozen=True):
    """The data of one kind of event; the class's name is the event's."""

    VERSION: ClassVar[int] = 1

    @classmethod
    def event_name(cls) -> str:
        """Return the name under which the event travels (EventBridge's detail-type)."""
        return cls.__name__


class AccountCreated(Contract, frozen=True):
    """An account was seen with a session for the first time."""

    email: str


class ApiKeyIssued(Contract, frozen=True):
    """A key was made; `display` is its first characters."""

    key_id: str
    display: str
    namespaces: tuple[str, ...]
    scopes: tuple[str, ...]


class ApiKeyRevoked(Contract, frozen=True):
    """A key was closed for good; `digest` is the SHA-256 under which its record is kept."""

    key_id: str
    display: str
    digest: str
    reason: Literal["deleted"]


CATALOG: Mapping[str, type[Contract]] = MappingProxyType(
    {contract.event_name(): contract for contract in (AccountCreated, ApiKeyIssued, ApiKeyRevoked)}
)

UPCASTERS: Mapping[tuple[str, int], Upcaster] = MappingProxyType({})
"""By name and the version that a function reads."""
