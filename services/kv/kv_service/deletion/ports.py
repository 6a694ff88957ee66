"""What deleting namespaces and accounts needs of its stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kv_service.namespaces.model import NamespaceRef


class AccountStore(Protocol):
    """What remains of a deleted account; may raise Unavailable."""

    def forget(self, account_id: str, namespace_ids: Sequence[str]) -> None:
        """Delete everything but the values of an account, and the ownership of its namespaces."""


class ValueDeleter(Protocol):
    """Deletes the values of a namespace in bounded steps; may raise Unavailable."""

    def delete_batch(self, space: NamespaceRef) -> int:
        """Delete up to a thousand keys and return how many; 0 when none is left."""

    def delete_all(self, space: NamespaceRef) -> None:
        """Delete every value and every idempotency record."""


class ObjectDeleter(Protocol):
    """Deletes the objects of a namespace in bounded steps; may raise Unavailable."""

    def delete_batch(self, namespace_id: str) -> int:
        """Delete up to a thousand objects of each kind and return how many; 0 when none is left."""

    def delete_namespace(self, namespace_id: str) -> None:
        """Delete all objects of a namespace."""
