"""Composition of kv's background functions, each bound by its first invocation."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING, cast

from kv_common import dynamodb, s3
from kv_common.admission import Limits
from kv_common.admission.redis import RedisAdmission
from kv_common.admission.redis_metering import RedisMeterStore
from kv_common.clock import now_ms
from kv_common.events import AccountDeleted, ApiKeyRevoked, Event, JobDue, PlanChanged
from kv_common.redis import RedisSettings, connect
from kv_common.settings import required
from kv_common.telemetry import logs
from kv_service.deletion.service import Deletions
from kv_service.jobs.model import ACCOUNT_JOB_ID, Job, JobKind
from kv_service.jobs.worker import Worker
from kv_service.metering.flusher import Flusher
from kv_service.persistence import (
    AccountStore,
    DynamoAdmissionData,
    JobStore,
    NamespaceStore,
    ObjectStore,
    StorageStore,
    UsageOutbox,
    ValueStore,
)
from kv_service.storage_usage.object_lifecycle import ObjectTracker
from kv_service.storage_usage.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.events.consumer import Handler

_FLUSH_TIMEOUT_S = 2.0
"""Longer than for a request: a flush reads the meters of a hundred accounts."""

_TURN_S = 40.0
"""How long a run of a job starts new steps; RunJobs has a minute, 20 s of it for the last sweep."""


def flusher(env: Mapping[str, str] = os.environ) -> Flusher:
    """Return the flusher of the stage's meters."""
    return Flusher(
        RedisMeterStore(connect(RedisSettings.from_env(env, timeout_s=_FLUSH_TIMEOUT_S))),
        UsageOutbox(dynamodb.client(), required(env, "TABLE")),
        flush_delay_s=int(required(env, "METER_FLUSH_DELAY_S")),
        key_use_report_minutes=int(required(env, "KEY_USE_REPORT_MINUTES")),
        new_correlation_id=lambda: f"flush-{secrets.token_hex(8)}",
    )


def tracker(env: Mapping[str, str] = os.environ) -> Tracker:
    """Return the tracker of storage usage."""
    store = StorageStore(dynamodb.client(), required(env, "TABLE"), now_s=time.time)
    return Tracker(store, now_ms=now_ms, log=logs.write)


def object_tracker(env: Mapping[str, str] = os.environ) -> ObjectTracker:
    """Return the tracker that deletes unused objects of large values."""
    return ObjectTracker(ObjectStore(s3.client, required(env, "OBJECTS_BUCKET")))


def job_handlers(env: Mapping[str, str] = os.environ) -> dict[str, Handler]:
    """Return the handlers of the jobs queue."""
    # Imported for jobs only.
    from kv_service.persistence.transfers import TransferStore
    from kv_service.persistence.value_bodies import ValueBodies
    from kv_service.persistence.value_bulk import BulkStore
    from kv_service.transfers.exporter import Exports
    from kv_service.transfers.importer import Imports
    from kv_service.transfers.service import Transfers

    client, table = dynamodb.client(), required(env, "TABLE")
    objects = ObjectStore(s3.client, required(env, "OBJECTS_BUCKET"))
    values, bulk = ValueStore(client, table, objects), BulkStore(client, table)
    store = TransferStore(client, table, now_ms=now_ms)
    namespaces = NamespaceStore(client, table, now_ms=now_ms)
    deletions = Deletions(
        accounts=AccountStore(client, table, now_ms=now_ms),
        namespaces=namespaces,
        values=values,
        transfers=Transfers(store, namespaces, objects, now_ms=now_ms, random_below=secrets.randbelow),
        objects=objects,
        limiter=RedisAdmission(connect(RedisSettings.from_env(env))),
        now_ms=now_ms,
        in_flight_grace_s=float(required(env, "IN_FLIGHT_GRACE_S")),
        wait=time.sleep,
    )
    # Admission's facts without a key need no credentials.
    facts = DynamoAdmissionData(client, table, "", now_ms=now_ms)
    works = {
        JobKind.DELETE_NAMESPACE: deletions.namespace,
        JobKind.DELETE_ACCOUNT: deletions.account,
        JobKind.EXPORT: Exports(store, bulk, values, objects, now_ms=now_ms).turn,
        JobKind.IMPORT: Imports(
            store, bulk, ValueBodies(objects), objects, facts, now_ms=now_ms, random_below=secrets.randbelow
        ).turn,
    }
    worker = Worker(JobStore(client, table, now_ms=now_ms), works, budget_s=_TURN_S, monotonic=time.monotonic)
    return {JobDue.event_name(): worker.on_due}


def event_handlers(env: Mapping[str, str] = os.environ) -> dict[str, Handler]:
    """Return the handlers of other services' events; they are idempotent without a record of processed events."""
    accounts = AccountStore(dynamodb.client(), required(env, "TABLE"), now_ms=now_ms)
    limiter = RedisAdmission(connect(RedisSettings.from_env(env)))

    def close_key(event: Event) -> None:
        limiter.revoke_key(event.account_id, cast("ApiKeyRevoked", event.data).digest)

    def change_limits(event: Event) -> None:
        change = cast("PlanChanged", event.data)
        limits = Limits(
            plan=change.to_plan,
            rate=change.limits.requests_per_second,
            burst=change.limits.burst,
            quota=change.limits.requests_per_month,
            storage=change.limits.storage_bytes,
            version=change.changed_at_us,
        )
        # The table first: Redis reads it when it has lost the limits.
        if accounts.set_limits(event.account_id, limits):
            limiter.set_limits(event.account_id, limits)

    def delete_account(event: Event) -> None:
        account_id = event.account_id
        accounts.close(Job(account_id, ACCOUNT_JOB_ID, JobKind.DELETE_ACCOUNT, "", now_ms(), event.correlation_id))
        limiter.close_account(account_id)

    return {
        AccountDeleted.event_name(): delete_account,
        ApiKeyRevoked.event_name(): close_key,
        PlanChanged.event_name(): change_limits,
    }
