"""A transfer: an export or an import of a namespace, as far as it has got.

Each save of a transfer is a *step*, which is valid only for a worker that has seen the step before. So of two workers,
as when a message comes twice, one goes on and the other learns that it has been overtaken; and what a step does to the
table is one transaction with it, so it happens once.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from kv_common import base62
from kv_service.jobs.model import Job, JobKind

if TYPE_CHECKING:
    from kv_common.errors import AppError
    from kv_service.namespaces.model import RandomBelow

KEPT_S = 7 * 86_400
"""How long a transfer can still be looked at, and its file be fetched, after it has ended."""

_TIME_WIDTH = 8
_CHANCE_WIDTH = 4
JOB_ID_PATTERN = re.compile(r"[0-9A-Za-z]{12}", re.ASCII)


class TransferStatus(StrEnum):
    """The state of a transfer."""

    WAITING = "waiting"
    """For the file that is to be imported."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


UNFINISHED = frozenset({TransferStatus.WAITING, TransferStatus.RUNNING})


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a transfer, or a line of its file, failed: as an answer would say it."""

    code: str
    message: str
    details: dict[str, object] | list[object] = {}

    @classmethod
    def of(cls, error: AppError) -> Problem:
        """Return the public part of an error."""
        return cls(error.code, error.message, error.public_details)


class ExportProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """The progress of an export: the multipart upload, the last key in it, and the parts' numbers.

    The numbers are kept as runs, each its first and last: they are the steps that wrote, one after the other.
    """

    upload_id: str = ""
    last_key: str | None = None
    runs: tuple[tuple[int, int], ...] = ()
    ended: bool = False

    @property
    def parts(self) -> list[int]:
        """The parts' numbers, in order."""
        return [number for first, last in self.runs for number in range(first, last + 1)]

    def with_part(self, number: int) -> ExportProgress:
        """Return the progress with one more part."""
        if self.runs and self.runs[-1][1] == number - 1:
            runs = (*self.runs[:-1], (self.runs[-1][0], number))
        else:
            runs = (*self.runs, (number, number))
        return msgspec.structs.replace(self, runs=runs)


class LineProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a line of a file cannot be imported; lines are counted from 1."""

    line: int
    code: str
    message: str
    details: dict[str, object] | list[object] = {}


class ImportProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far an import has got: whether the file is checked, up to where it is, or is written, and what came of it.

    `etag` is the file's: it is the one that was there when the import began. `stored` is what the account stored when
    writing began, and `grown` by how much this import has made that more, in bytes.
    """

    etag: str = ""
    checked: bool = False
    offset: int = 0
    line: int = 0
    problems: tuple[LineProblem, ...] = ()
    stored: int = 0
    grown: int = 0


class TransferJob(msgspec.Struct, frozen=True):
    """An export or import of one namespace of an account.

    `keys` and `bytes` are how many lines and bytes of the file are done, `skipped` how many lines had expired already;
    `size` is the file's, where it is known. `progress` is the work's own note of where to go on.
    """

    account_id: str
    id: str
    kind: JobKind
    namespace: str
    namespace_id: str
    correlation_id: str
    status: TransferStatus
    created_at_ms: int
    updated_at_ms: int
    step: int = 0
    keys: int = 0
    bytes: int = 0
    skipped: int = 0
    size: int | None = None
    problem: Problem | None = None
    progress: ExportProgress | ImportProgress | None = None
    expires_at_s: int | None = None

    @property
    def is_finished(self) -> bool:
        """Return whether nothing more happens to it."""
        return self.status not in UNFINISHED

    def ended(self, status: TransferStatus, now_ms: int, problem: Problem | None = None) -> TransferJob:
        """Return the transfer as it ended, to be kept for a while."""
        return replace(self, status=status, problem=problem, expires_at_s=now_ms // 1000 + KEPT_S)


def new_id(now_ms: int, random_below: RandomBelow) -> str:
    """Return an id that sorts by time."""
    return base62.encode(now_ms, _TIME_WIDTH) + base62.encode(random_below(62**_CHANCE_WIDTH), _CHANCE_WIDTH)


def is_id(text: str) -> bool:
    """Return whether `text` may be the id of a transfer at all."""
    return bool(JOB_ID_PATTERN.fullmatch(text))


def job_of(transfer: TransferJob) -> Job:
    """Return the job whose turns do the work of a transfer."""
    return Job(
        account_id=transfer.account_id,
        id=transfer.id,
        kind=transfer.kind,
        subject=transfer.namespace,
        created_at_ms=transfer.updated_at_ms,
        correlation_id=transfer.correlation_id,
    )
