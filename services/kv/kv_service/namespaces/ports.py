"""What the operations on namespaces need of their stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kv_common.events import Event
    from kv_service.jobs.model import Job
    from kv_service.namespaces.model import Namespace, NamespaceStats


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
