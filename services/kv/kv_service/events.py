"""The events that kv publishes, each with a deterministic id."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Contracts are looked up when an event is made: importing them imports pydantic, which requests for values do not need.
from kv_common import events

if TYPE_CHECKING:
    from kv_common.events import Event, RequestServed
    from kv_service.jobs.model import Job
    from kv_service.namespaces.model import Namespace
    from kv_service.storage_usage.rules import UsageDelta


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


def job_due(job: Job, *, now_ms: int) -> Event:
    """Return the event that starts a job's next run."""
    return events.Event(
        id=f"{job.id}#turn-{job.turn}",
        account_id=job.account_id,
        correlation_id=job.correlation_id,
        occurred_at_us=now_ms * 1000,
        data=events.JobDue(job_id=job.id, turn=job.turn),
    )


def request_served(account_id: str, served: RequestServed, correlation_id: str, *, now_s: int) -> Event:
    """Return the event of an account's requests in a minute; its id is the same for every report of that minute."""
    return events.Event(
        id=f"{account_id}#{served.minute}#{served.epoch}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_s * 1_000_000,
        data=served,
    )


def keys_used(account_id: str, keys: dict[str, int], correlation_id: str, *, now_s: int) -> Event:
    """Return the event of the last uses of an account's keys."""
    return events.Event(
        id=f"{account_id}#used-{now_s // 60}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_s * 1_000_000,
        data=events.ApiKeyUsed(keys=keys),
    )


def storage_changed(account_id: str, delta: UsageDelta, shard: str, sequence: str, *, now_ms: int) -> Event:
    """Return the event of a namespace's change of storage up to a position in the table's stream."""
    event_id = f"{delta.namespace_id}#{shard}#{sequence}"
    return events.Event(
        id=event_id,
        account_id=account_id,
        correlation_id=f"storage-{sequence}",
        occurred_at_us=now_ms * 1000,
        data=events.StorageChanged(
            namespace_id=delta.namespace_id,
            bytes_delta=delta.bytes,
            keys_delta=delta.keys,
            shard=shard,
            sequence=sequence,
        ),
    )
