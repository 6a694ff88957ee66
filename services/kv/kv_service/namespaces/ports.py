"""What the operations on namespaces need of their stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kv_common.events import Event
    from kv_service.jobs.model import Job
    from kv_service.namespaces.model import Namespace, NamespaceRef, NamespaceStats


class NamespaceStore(Protocol):
    """The namespaces of an account; every method may raise Unavailable."""

    def create(self, account_id: str, namespace: Namespace, event: Event) -> None:
        """Add `namespace` with its event; Conflict if the name is taken or the account has too many."""

    def get(self, account_id: str, name: str) -> Namespace | None:
        """Return the namespace `name`, also one being deleted; strongly consistent."""

    def all(self, account_id: str) -> tuple[Namespace, ...]:
        """Return the account's namespaces by name, also those being deleted."""

    def stats(self, account_id: str, namespace_id: str) -> NamespaceStats:
        """Return what a namespace holds, as far as it has been counted."""

    def all_stats(self, account_id: str) -> dict[str, NamespaceStats]:
        """Return what the account's namespaces hold, by id; also of some that have been deleted."""

    def close(self, account_id: str, namespace: Namespace, job: Job) -> None:
        """Mark the namespace as being deleted and start the job that deletes it; idempotent."""

    def remove(self, account_id: str, namespace: Namespace, event: Event) -> None:
        """Delete what is left of an emptied namespace, end its job and publish the event; idempotent."""


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
