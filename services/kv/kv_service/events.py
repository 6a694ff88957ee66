"""What kv tells others: its events, each with the id under which the fact is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.events import (
    ApiKeyUsed,
    Event,
    JobDue,
    NamespaceCreated,
    NamespaceDeleted,
    RequestServed,
    StorageChanged,
)

if TYPE_CHECKING:
    from kv_service.jobs.worker import Job
    from kv_service.namespaces.model import Namespace
    from kv_service.storage_usage.rules import UsageDelta


def namespace_created(account_id: str, namespace: Namespace, correlation_id: str) -> Event:
    """Tell that a namespace was made."""
    return Event(
        id=f"{namespace.id}#created",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=namespace.created_at_ms * 1000,
        data=NamespaceCreated(namespace.id, namespace.name),
    )


def namespace_deleted(job: Job, name: str, *, now_ms: int) -> Event:
    """Tell that a namespace is gone with all it held."""
    return Event(
        id=f"{job.id}#deleted",
        account_id=job.account_id,
        correlation_id=job.correlation_id,
        occurred_at_us=now_ms * 1000,
        data=NamespaceDeleted(job.id, name),
    )


def job_due(job: Job, *, now_ms: int) -> Event:
    """Ask for a job's next turn."""
    return Event(
        id=f"{job.id}#turn-{job.turn}",
        account_id=job.account_id,
        correlation_id=job.correlation_id,
        occurred_at_us=now_ms * 1000,
        data=JobDue(job.id, job.turn),
    )


def request_served(account_id: str, served: RequestServed, correlation_id: str, *, now_s: int) -> Event:
    """Tell what an account was served in a minute; the same id however often that minute is told."""
    return Event(
        id=f"{account_id}#{served.minute}#{served.epoch}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_s * 1_000_000,
        data=served,
    )


def keys_used(account_id: str, keys: dict[str, int], correlation_id: str, *, now_s: int) -> Event:
    """Tell when an account's keys were last used."""
    return Event(
        id=f"{account_id}#used-{now_s // 60}",
        account_id=account_id,
        correlation_id=correlation_id,
        occurred_at_us=now_s * 1_000_000,
        data=ApiKeyUsed(keys),
    )


def storage_changed(account_id: str, growth: UsageDelta, shard: str, sequence: str, *, now_ms: int) -> Event:
    """Tell by how much a namespace has grown or shrunk, up to a position in the table's stream."""
    event_id = f"{growth.namespace_id}#{shard}#{sequence}"
    return Event(
        id=event_id,
        account_id=account_id,
        correlation_id=f"storage-{sequence}",
        occurred_at_us=now_ms * 1000,
        data=StorageChanged(growth.namespace_id, growth.bytes, growth.keys, shard, sequence),
    )
