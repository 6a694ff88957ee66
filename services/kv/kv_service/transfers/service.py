"""What callers can do with exports and imports; stores, clocks and randomness come as parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kv_common.errors import Conflict, NotFound
from kv_common.identifiers import no_such_namespace
from kv_service.jobs.model import JobKind
from kv_service.namespaces.model import NamespaceStatus
from kv_service.transfers.model import (
    KEPT_S,
    ExportProgress,
    ImportProgress,
    TransferJob,
    TransferStatus,
    is_id,
    new_id,
)
from kv_service.transfers.ports import StaleStep

if TYPE_CHECKING:
    from collections.abc import Collection

    from kv_common.clock import Clock
    from kv_service.namespaces.model import RandomBelow
    from kv_service.transfers.ports import NamespaceReader, TransferFiles, TransferStore

LINK_S = 3_600
"""How long a link to a file is valid; reading the job again returns a new one."""


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that gives access to anyone until it expires."""

    url: str
    expires_at_ms: int


class Transfers:
    """Exports and imports of an account's namespaces."""

    def __init__(
        self,
        store: TransferStore,
        namespaces: NamespaceReader,
        files: TransferFiles,
        *,
        now_ms: Clock,
        random_below: RandomBelow,
    ) -> None:
        self._store = store
        self._namespaces = namespaces
        self._files = files
        self._now_ms = now_ms
        self._random_below = random_below

    def begin_export(self, account_id: str, name: str, *, correlation_id: str) -> TransferJob:
        """Begin to export the namespace `name`; Conflict while another export is unfinished."""
        transfer = replace(self._new(JobKind.EXPORT, account_id, name, correlation_id), status=TransferStatus.RUNNING)
        self._store.begin(transfer)
        return transfer

    def begin_import(self, account_id: str, name: str, *, correlation_id: str) -> TransferJob:
        """Prepare an import into the namespace `name`, which waits for its file; Conflict while another is unfinished.

        One that is not started in a week is given up.
        """
        transfer = self._new(JobKind.IMPORT, account_id, name, correlation_id)
        transfer = replace(transfer, expires_at_s=transfer.created_at_ms // 1000 + KEPT_S)
        self._store.begin(transfer)
        return transfer

    def start(self, account_id: str, transfer_id: str) -> TransferJob:
        """Begin the work of an import whose file is there; Conflict when it is not, or has been started before."""
        transfer = self.get(account_id, transfer_id)
        if transfer.status is not TransferStatus.WAITING:
            raise _not_waiting()
        file = self._files.uploaded(transfer.namespace_id, transfer.id)
        if file is None:
            raise Conflict("The file has not been uploaded yet.", details={"reason": "not_uploaded"})
        started = replace(
            transfer,
            status=TransferStatus.RUNNING,
            size=file.size,
            progress=ImportProgress(file.etag),
            expires_at_s=None,
        )
        try:
            self._store.start(started)
        except StaleStep as failure:
            raise _not_waiting() from failure
        return started

    def get(self, account_id: str, transfer_id: str) -> TransferJob:
        """Return the account's transfer of this id; NotFound when it has none."""
        transfer = self._store.get(account_id, transfer_id) if is_id(transfer_id) else None
        if transfer is None:
            raise NotFound("There is no such job.", details={"resource": "job"})
        return transfer

    def newest(self, account_id: str) -> list[TransferJob]:
        """Return the account's newest transfers, the newest first."""
        return self._store.newest(account_id)

    def delete(self, account_id: str, transfer_id: str) -> None:
        """Cancel a transfer that is not finished, forget one that is; NotFound when there is none.

        What an import has written by then stays.
        """
        transfer = self.get(account_id, transfer_id)
        try:
            if transfer.is_finished:
                self._store.remove(transfer)
            else:
                self._store.cancel(transfer.ended(TransferStatus.CANCELED, self._now_ms()))
        except StaleStep as failure:
            # It has come to its end this very moment; the caller has not seen that yet.
            raise Conflict(
                "The job has just changed. Look at it again.", details={"reason": "job_changed"}
            ) from failure
        self._remove_files(transfer)

    def end_all(self, account_id: str, namespace_ids: Collection[str]) -> None:
        """Forget the transfers of namespaces that are being deleted, so that none writes into them any more.

        In as many round trips as it takes; may be done again. Their files go with the namespaces' other objects.
        """
        found = [transfer for transfer in self._store.all(account_id) if transfer.namespace_id in namespace_ids]
        for transfer in found:
            if not transfer.is_finished:
                self._end(transfer)
        self._store.forget([transfer for transfer in found if transfer.is_finished])

    def result(self, transfer: TransferJob) -> Link | None:
        """Return a link to the file of an export that is done."""
        if transfer.kind is not JobKind.EXPORT or transfer.status is not TransferStatus.DONE:
            return None
        url = self._files.presign_download(transfer.namespace_id, transfer.id, expires_s=LINK_S)
        return Link(url, self._now_ms() + LINK_S * 1000)

    def upload(self, transfer: TransferJob) -> Link | None:
        """Return a link that takes the file of an import that waits for it."""
        if transfer.status is not TransferStatus.WAITING:
            return None
        url = self._files.presign_upload(transfer.namespace_id, transfer.id, expires_s=LINK_S)
        return Link(url, self._now_ms() + LINK_S * 1000)

    def _new(self, kind: JobKind, account_id: str, name: str, correlation_id: str) -> TransferJob:
        namespace = self._namespaces.get(account_id, name)
        if namespace is None or namespace.status is not NamespaceStatus.ACTIVE:
            raise no_such_namespace()
        now_ms = self._now_ms()
        return TransferJob(
            account_id=account_id,
            id=new_id(now_ms, self._random_below),
            kind=kind,
            namespace=name,
            namespace_id=namespace.id,
            correlation_id=correlation_id,
            status=TransferStatus.WAITING,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )

    def _end(self, transfer: TransferJob | None) -> None:
        while transfer is not None:
            try:
                self._store.remove(transfer)
            except StaleStep:
                transfer = self._store.get(transfer.account_id, transfer.id)
            else:
                self._remove_files(transfer)
                return

    def _remove_files(self, transfer: TransferJob) -> None:
        """Remove what a transfer leaves in S3. What a worker may still put there expires by itself."""
        if isinstance(transfer.progress, ExportProgress) and transfer.progress.upload_id:
            self._files.abort(transfer.namespace_id, transfer.id, transfer.progress.upload_id)
        self._files.delete_transfer(transfer.namespace_id, transfer.id)


def _not_waiting() -> Conflict:
    return Conflict("The job does not wait for a file.", details={"reason": "not_waiting"})
