"""Importing: first every line of the file is checked, then its values are written, in chunks.

A chunk is one transaction with the step that says it is written. So it is written once, however often a worker dies:
never again over what somebody else has written meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from kv_common.dynamodb import MAX_TRANSACTION, TransactionConflict
from kv_common.errors import AppError, Conflict, PayloadTooLarge, ValidationError
from kv_service.namespaces.model import NamespaceRef, new_token
from kv_service.transfers import ndjson
from kv_service.transfers.model import ImportProgress, LineProblem, Problem, TransferStatus
from kv_service.transfers.ports import StaleStep
from kv_service.values.model import StorageFull, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kv_common.admission.model import AdmissionDataSource
    from kv_common.clock import Clock
    from kv_service.jobs.model import Job, KeepGoing
    from kv_service.namespaces.model import RandomBelow
    from kv_service.transfers.model import TransferJob
    from kv_service.transfers.ndjson import Line
    from kv_service.transfers.ports import BulkStore, TransferFiles, TransferStore, ValueBodies

MAX_PROBLEMS = 10
_BLOCK_BYTES = 8 * 2**20
_CHUNK_KEYS = MAX_TRANSACTION - 1  # the step is an item of the transaction too
_CHUNK_ITEM_BYTES = 3_000_000  # a transaction takes 4 MB; what crosses this is one item of 400 KB at most
_ITEM_OVERHEAD = 2_000  # key, metadata and the rest, at most
_MESSAGE_CHARACTERS = 300


@dataclass(slots=True)
class Chunk:
    """Lines that are written together: the versions they make, by key.

    Of two lines with the same key the later one counts, as if they had been written one after the other.
    """

    versions: dict[str, Version] = field(default_factory=dict)
    lines: int = 0
    skipped: int = 0
    item_bytes: int = 0
    read_bytes: int = 0
    end: Line | None = None

    @property
    def is_full(self) -> bool:
        """Return whether another line may be too much."""
        return (
            len(self.versions) == _CHUNK_KEYS or self.item_bytes >= _CHUNK_ITEM_BYTES or self.read_bytes >= _BLOCK_BYTES
        )

    def add(self, version: Version) -> None:
        """Add what a line makes."""
        self.versions[version.key] = version
        self.lines += 1
        self.item_bytes += _ITEM_OVERHEAD + (0 if version.is_large else version.size)


class Imports:
    """The work of jobs that import; raises Unavailable where it cannot go on now."""

    def __init__(
        self,
        store: TransferStore,
        bulk: BulkStore,
        texts: ValueBodies,
        files: TransferFiles,
        facts: AdmissionDataSource,
        *,
        now_ms: Clock,
        random_below: RandomBelow,
    ) -> None:
        self._store = store
        self._bulk = bulk
        self._texts = texts
        self._files = files
        self._facts = facts
        self._now_ms = now_ms
        self._random_below = random_below

    def turn(self, job: Job, keep_going: KeepGoing) -> bool:
        """Check and import as much as there is time for; return whether the job is finished."""
        transfer = self._store.take(job.account_id, job.id)
        if transfer is None:
            return True
        try:
            for phase in (self._check, self._write):
                transfer = phase(transfer, keep_going)
        except (StaleStep, TransactionConflict):
            # Somebody else is at work on the transfer, or has ended it, or keeps writing the same keys: it goes on with
            # the next turn, if there is one.
            return False
        if transfer.is_finished:
            self._files.delete_transfer(transfer.namespace_id, transfer.id)
        return transfer.is_finished

    def _check(self, transfer: TransferJob, keep_going: KeepGoing) -> TransferJob:
        found = self._lines(transfer)
        while not transfer.is_finished and not _progress(transfer).checked and keep_going():
            transfer = self._step(self._check_some, transfer, found)
        return transfer

    def _write(self, transfer: TransferJob, keep_going: KeepGoing) -> TransferJob:
        found = self._lines(transfer)
        while not transfer.is_finished and _progress(transfer).checked and keep_going():
            transfer = self._step(self._write_some, transfer, found)
        return transfer

    def _step(
        self, do: Callable[[TransferJob, Iterator[Line]], TransferJob], transfer: TransferJob, found: Iterator[Line]
    ) -> TransferJob:
        """Do a step; what the file, or the plan, does not allow ends the transfer."""
        try:
            return do(transfer, found)
        except AppError as error:
            if error.is_server_error:
                raise
            return self._store.end(transfer.ended(TransferStatus.FAILED, self._now_ms(), Problem.of(error)))

    def _check_some(self, transfer: TransferJob, found: Iterator[Line]) -> TransferJob:
        """Check a block's worth of lines; after the last, or too many that are wrong, say what is wrong with them."""
        progress = _progress(transfer)
        problems, offset, number = list(progress.problems), progress.offset, progress.line
        is_over = False
        while not is_over and offset - progress.offset < _BLOCK_BYTES:
            line = next(found, None)
            if line is not None:
                offset, number = line.end, line.number
                problems += _problems(line)
            is_over = line is None or len(problems) == MAX_PROBLEMS
        if is_over and problems:
            raise ValidationError(
                "The file has lines that cannot be imported; nothing was imported.",
                details={"reason": "invalid_lines", "errors": problems},
            )
        if is_over:
            stored = self._facts.load(transfer.account_id, None, "").usage.stored
            after = ImportProgress(progress.etag, checked=True, stored=stored)
        else:
            after = msgspec.structs.replace(progress, offset=offset, line=number, problems=tuple(problems))
        return self._store.save(replace(transfer, progress=after))

    def _write_some(self, transfer: TransferJob, found: Iterator[Line]) -> TransferJob:
        """Write one chunk; after the last, the transfer is done."""
        space = NamespaceRef(transfer.account_id, transfer.namespace_id)
        chunk = self._chunk(found)
        if chunk.end is None:
            return self._store.end(transfer.ended(TransferStatus.DONE, self._now_ms()))
        progress = _progress(transfer)
        growth = self._growth(space, chunk.versions)
        self._require_room(transfer, growth)
        after = replace(
            transfer,
            keys=transfer.keys + chunk.lines,
            skipped=transfer.skipped + chunk.skipped,
            bytes=chunk.end.end,
            progress=msgspec.structs.replace(
                progress, offset=chunk.end.end, line=chunk.end.number, grown=progress.grown + growth
            ),
        )
        placed = [self._texts.offload(space, version) for version in chunk.versions.values()]
        try:
            return self._store.save(after, [self._bulk.write_of(space, version) for version in placed])
        except (StaleStep, TransactionConflict):
            for version in placed:
                self._texts.discard(space, version)
            raise

    def _chunk(self, found: Iterator[Line]) -> Chunk:
        chunk = Chunk()
        while not chunk.is_full and (line := next(found, None)) is not None:
            chunk.end = line
            chunk.read_bytes += len(line.text or b"") + 1
            if line.is_blank:
                continue
            now_ms = self._now_ms()
            version = self._version(ndjson.read(line), now_ms)
            if version.is_live(now_ms):
                chunk.add(version)
            else:
                chunk.skipped += 1
        return chunk

    def _version(self, entry: ndjson.Entry, now_ms: int) -> Version:
        """Return the version that a line makes: a new one, whatever is under its key."""
        return Version(
            key=entry.key,
            text=entry.text,
            size=len(entry.text.encode()),
            etag=new_token(self._random_below),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
            expires_at_s=entry.expires_at_s,
            metadata=entry.metadata,
        )

    def _growth(self, space: NamespaceRef, versions: Mapping[str, Version]) -> int:
        """Return by how many bytes the account will store more for writing `versions`."""
        replaced = self._bulk.metadata_of(space, list(versions))
        return sum(one.stored_bytes for one in versions.values()) - sum(one.stored_bytes for one in replaced)

    def _require_room(self, transfer: TransferJob, growth: int) -> None:
        """Return if the account may store so much more. What is counted lags behind; this import knows its own part."""
        facts = self._facts.load(transfer.account_id, None, "")
        progress = _progress(transfer)
        stored = max(facts.usage.stored, progress.stored + progress.grown)
        if growth > 0 and stored + growth > facts.limits.storage:
            raise StorageFull

    def _lines(self, transfer: TransferJob) -> Iterator[Line]:
        progress = _progress(transfer)
        return ndjson.cut(self._blocks(transfer), offset=progress.offset, number=progress.line)

    def _blocks(self, transfer: TransferJob) -> Iterator[bytes]:
        progress = _progress(transfer)
        size = transfer.size or 0
        for first in range(progress.offset, size, _BLOCK_BYTES):
            last = min(first + _BLOCK_BYTES, size) - 1
            block = self._files.read_range(transfer.namespace_id, transfer.id, first, last, etag=progress.etag)
            if block is None:
                raise Conflict(
                    "The file is not the one that was there when the import began.", details={"reason": "file_changed"}
                )
            yield block


def _problems(line: Line) -> list[LineProblem]:
    """Return what is wrong with a line, if anything."""
    if line.is_blank:
        return []
    try:
        ndjson.read(line)
    except (ValidationError, PayloadTooLarge) as error:
        # Messages may quote a name of any length.
        return [LineProblem(line.number, error.code, error.message[:_MESSAGE_CHARACTERS], error.public_details)]
    return []


def _progress(transfer: TransferJob) -> ImportProgress:
    progress = transfer.progress
    return progress if isinstance(progress, ImportProgress) else ImportProgress()
