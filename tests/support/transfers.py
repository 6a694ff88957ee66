"""Exports and imports in the test's own process, on the environment's real table and bucket."""

from __future__ import annotations

import os
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from kv_common import dynamodb, s3
from kv_common.clock import now_ms
from kv_common.events import Event, JobDue
from kv_service.background import job_handlers
from kv_service.namespaces.events import namespace_created
from kv_service.namespaces.model import Namespace, NamespaceRef
from kv_service.persistence import JobStore, NamespaceStore, ObjectStore, ValueStore
from kv_service.persistence.transfers import TransferStore
from kv_service.persistence.value_bulk import BulkStore
from kv_service.transfers.service import Transfers
from kv_service.values.model import Version
from kv_service.values.preconditions import NONE

if TYPE_CHECKING:
    from kv_service.transfers.model import TransferJob


@dataclass
class TransferHarness:
    """A namespace of an account that exists only in the table."""

    space: NamespaceRef
    values: ValueStore
    bulk: BulkStore
    transfers: Transfers
    files: ObjectStore

    @property
    def account_id(self) -> str:
        return self.space.account_id

    def put(self, *versions: Version) -> None:
        """Write versions like requests of a client."""
        for version in versions:
            self.values.put(self.space, version, NONE, now_ms=now_ms())

    def versions(self) -> dict[str, Version]:
        """Return all versions of the namespace."""
        return {version.key: version for version in self.bulk.scan(self.space, after=None, now_ms=now_ms())}

    def export(self) -> TransferJob:
        """Start an export."""
        return self.transfers.begin_export(self.account_id, "app", correlation_id="c-1")

    def import_(self, file: bytes) -> TransferJob:
        """Upload a file and start its import."""
        transfer = self.transfers.begin_import(self.account_id, "app", correlation_id="c-1")
        link = self.transfers.upload(transfer)
        assert link is not None
        assert httpx.put(link.url, content=file, trust_env=False).status_code == 200
        return self.transfers.start(self.account_id, transfer.id)

    def result(self, transfer: TransferJob) -> bytes:
        """Return an export's file."""
        link = self.transfers.result(self.transfers.get(self.account_id, transfer.id))
        assert link is not None
        response = httpx.get(link.url, trust_env=False)
        assert response.status_code == 200
        return response.content

    def state(self, transfer: TransferJob) -> TransferJob:
        """Return the current state of a transfer."""
        return self.transfers.get(self.account_id, transfer.id)


def new_transfer_harness() -> TransferHarness:
    """Create a namespace; requires kv's environment variables."""
    client, table = dynamodb.client(), os.environ["TABLE"]
    namespaces = NamespaceStore(client, table, now_ms=now_ms)
    account_id, namespace = str(uuid.uuid4()), Namespace("app", uuid.uuid4().hex[:12], now_ms())
    namespaces.create(account_id, namespace, namespace_created(account_id, namespace, "c-1"))
    files = ObjectStore(s3.client, os.environ["OBJECTS_BUCKET"])
    store = TransferStore(client, table, now_ms=now_ms)
    return TransferHarness(
        space=NamespaceRef(account_id, namespace.id),
        values=ValueStore(client, table, files),
        bulk=BulkStore(client, table),
        transfers=Transfers(store, namespaces, files, now_ms=now_ms, random_below=secrets.randbelow),
        files=files,
    )


def version(key: str, text: str, **more: object) -> Version:
    """Return a version written now."""
    now = now_ms()
    return Version(key, text, len(text.encode()), secrets.token_hex(6), now, now, **more)  # type: ignore[arg-type]


class Worker:
    """kv's worker, with clients of its own."""

    def __init__(self) -> None:
        self._jobs = JobStore(dynamodb.client(), os.environ["TABLE"], now_ms=now_ms)
        self._on_due = job_handlers()[JobDue.event_name()]

    def finish(self, account_id: str, job_id: str, *, turns: int = 100) -> None:
        """Run a job until it is completed."""
        for _ in range(turns):
            job = self._jobs.get(account_id, job_id)
            if job is None:
                return
            self._on_due(Event(f"{job_id}#turn-{job.turn}", account_id, "c-1", 0, JobDue(job_id=job_id, turn=job.turn)))
        raise AssertionError("the job does not end")
