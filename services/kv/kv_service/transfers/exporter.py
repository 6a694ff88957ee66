"""Exporting: a namespace's values, as they are now, into a file that is uploaded in parts.

A part gets the number of the step that writes it. A worker that dies, or is overtaken, leaves a part whose number no
later step has and that no transfer's progress names: it is left out when the upload is completed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from kv_common.errors import PayloadTooLarge, Unavailable
from kv_common.s3 import ObjectNotFound
from kv_service.namespaces.model import NamespaceRef
from kv_service.transfers import ndjson
from kv_service.transfers.model import ExportProgress, Problem, TransferStatus
from kv_service.transfers.ports import StaleStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kv_common.clock import Clock
    from kv_service.jobs.model import Job, KeepGoing
    from kv_service.transfers.model import TransferJob
    from kv_service.transfers.ports import BodyReader, BulkStore, TransferFiles, TransferStore
    from kv_service.values.model import Version

MAX_PARTS = 10_000
_LEAST_PART = 5 * 2**20  # of any part but the last
_GREATEST_PART = 32 * 2**20  # fits in the function's memory twice, and in the rest of its time
_PARTS_OF_A_SIZE = 1_000
_READS = 3


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines: their bytes, how many they are, the last one's key, and whether there are no more."""

    data: bytes
    keys: int
    last_key: str | None
    is_last: bool


class Exports:
    """The work of jobs that export; raises Unavailable where it cannot go on now."""

    def __init__(
        self, store: TransferStore, bulk: BulkStore, values: BodyReader, files: TransferFiles, *, now_ms: Clock
    ) -> None:
        self._store = store
        self._bulk = bulk
        self._values = values
        self._files = files
        self._now_ms = now_ms

    def turn(self, job: Job, keep_going: KeepGoing) -> bool:
        """Export as much as there is time for; return whether the job is finished."""
        transfer = self._store.take(job.account_id, job.id)
        if transfer is None:
            return True
        try:
            return self._go_on(transfer, keep_going)
        except StaleStep:
            # Whoever has overtaken this turn asks for the next one too, and one of the two is heard. If the transfer
            # was ended, neither is.
            return False

    def _go_on(self, transfer: TransferJob, keep_going: KeepGoing) -> bool:
        try:
            if not _progress(transfer).upload_id:
                transfer = self._begin(transfer)
            found = self._lines(transfer)
            while not _progress(transfer).ended:
                if transfer.step > MAX_PARTS:
                    self._give_up(transfer)
                    return True
                transfer = self._write(transfer, found)
                if not keep_going():
                    return False
            self._finish(transfer)
        except ObjectNotFound:
            # Uploads in parts are removed after two days; a job that waited in the dead-letter queue starts anew.
            self._store.save(replace(transfer, keys=0, bytes=0, progress=ExportProgress()))
            return False
        return True

    def _begin(self, transfer: TransferJob) -> TransferJob:
        upload_id = self._files.begin(transfer.namespace_id, transfer.id)
        return self._store.save(replace(transfer, progress=ExportProgress(upload_id)))

    def _write(self, transfer: TransferJob, found: Iterator[tuple[str, bytes]]) -> TransferJob:
        """Write one part, and save that it counts."""
        progress = _progress(transfer)
        part = gather(found, at_least=part_bytes(transfer.step))
        # S3 makes a file of one empty part, but of none it makes nothing.
        if part.data or not progress.runs:
            self._files.put_part(transfer.namespace_id, transfer.id, progress.upload_id, transfer.step, part.data)
            progress = progress.with_part(transfer.step)
        progress = msgspec.structs.replace(progress, last_key=part.last_key or progress.last_key, ended=part.is_last)
        keys, size = transfer.keys + part.keys, transfer.bytes + len(part.data)
        return self._store.save(replace(transfer, keys=keys, bytes=size, progress=progress))

    def _finish(self, transfer: TransferJob) -> None:
        progress = _progress(transfer)
        try:
            self._files.complete(transfer.namespace_id, transfer.id, progress.upload_id, progress.parts)
        except ObjectNotFound:
            # Somebody has put the parts together already and died before saying so, unless the file is missing too.
            if not self._files.has_result(transfer.namespace_id, transfer.id):
                raise
        self._store.end(replace(transfer.ended(TransferStatus.DONE, self._now_ms()), size=transfer.bytes))

    def _give_up(self, transfer: TransferJob) -> None:
        problem = PayloadTooLarge(
            "The namespace is too large to be exported into one file.", details={"reason": "export_size"}
        )
        self._store.end(transfer.ended(TransferStatus.FAILED, self._now_ms(), Problem.of(problem)))
        self._files.abort(transfer.namespace_id, transfer.id, _progress(transfer).upload_id)

    def _lines(self, transfer: TransferJob) -> Iterator[tuple[str, bytes]]:
        """Read what is left to be written, key by key, each as it is when it is read."""
        space = NamespaceRef(transfer.account_id, transfer.namespace_id)
        for version in self._bulk.scan(space, after=_progress(transfer).last_key, now_ms=self._now_ms()):
            whole = self._whole(space, version)
            if whole is not None and whole.is_live(self._now_ms()):
                yield whole.key, ndjson.write(whole)

    def _whole(self, space: NamespaceRef, version: Version | None) -> Version | None:
        """Return the key's version with its text; a missing object has been replaced, or its key deleted."""
        for _ in range(_READS):
            if version is None:
                return None
            whole = self._values.load(space, version)
            if whole is not None:
                return whole
            version = self._values.get(space, version.key)
        raise Unavailable


def part_bytes(number: int) -> int:
    """Return how large part `number` is to be at least: small namespaces show progress, and large ones fit."""
    return int(min(_LEAST_PART * 2 ** (number // _PARTS_OF_A_SIZE), _GREATEST_PART))


def gather(found: Iterable[tuple[str, bytes]], *, at_least: int) -> Part:
    """Take lines for a part."""
    taken: list[bytes] = []
    size, last_key = 0, None
    for key, line in found:
        taken.append(line)
        size, last_key = size + len(line), key
        if size >= at_least:
            return Part(b"".join(taken), len(taken), last_key, is_last=False)
    return Part(b"".join(taken), len(taken), last_key, is_last=True)


def _progress(transfer: TransferJob) -> ExportProgress:
    progress = transfer.progress
    return progress if isinstance(progress, ExportProgress) else ExportProgress()
