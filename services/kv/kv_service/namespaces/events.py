"""The events of namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Contracts are looked up when an event is made: importing them imports pydantic, which requests for values do not need.
from kv_common import events

if TYPE_CHECKING:
    from kv_common.events import Event
    from kv_service.jobs.model import Job
    from kv_service.namespaces.model import Namespace


def namespace_created(account_id: str, namespace: Namespace, correlation_id: str) -> Event:
    """Return the event of a new namespace."""
    return events.Event(
        id=f"{namespace.id}#created",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=namespace.created_at_ms * 1000,
        data=events.NamespaceCreated(namespace_id=namespace.id, name=namespace.name),
    )


def namespace_deleted(job: Job, name: str, *, now_ms: int) -> Event:
    """Return the event of a deleted namespace."""
    return events.Event(
        id=f"{job.id}#deleted",
        account_id=job.account_id,
        correlation_id=job.correlation_id,
        occurred_at_us=now_ms * 1000,
        data=events.NamespaceDeleted(namespace_id=job.id, name=name),
    )
