"""Jobs: work that takes longer than a request, done in turns that may each be done again.

A job is an item of its account; telling that its next turn is due is one transaction with the change that made it so.
The bus brings that to the jobs queue and the queue to the worker: at least once, and again after a crash. A turn that
comes late or twice finds the job gone or further on, and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from kv_common.events import Event, JobDue
    from kv_service.persistence import JobStore


ACCOUNT_JOB_ID = "~account"
"""The id of the job that deletes an account: it sorts after those of all others, and so is removed after them."""


class JobKind(StrEnum):
    """What there is to do."""

    DELETE_NAMESPACE = "delete_namespace"
    DELETE_ACCOUNT = "delete_account"
    EXPORT = "export"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of an account; `subject` is what it is about, such as a namespace's name."""

    account_id: str
    id: str
    kind: JobKind
    subject: str
    created_at_ms: int
    correlation_id: str
    turn: int = 1


KeepGoing = Callable[[], bool]
"""Tells whether a turn has time left for another step."""

Work = Callable[[Job, KeepGoing], bool]
"""Does a turn of a job, as far as it gets; returns whether the job is finished."""


class Worker:
    """Does the turns of jobs."""

    def __init__(
        self, store: JobStore, works: Mapping[JobKind, Work], *, budget_s: float, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._works = works
        self._budget_s = budget_s
        self._monotonic = monotonic

    def on_due(self, event: Event) -> None:
        """Do the turn that an event asks for, and ask for the next one unless that was the last."""
        due = cast("JobDue", event.data)
        job = self._store.get(event.account_id, due.job_id)
        if job is None or job.turn != due.turn:
            return
        ends = self._monotonic() + self._budget_s
        if not self._works[job.kind](job, lambda: self._monotonic() < ends):
            self._store.continue_with(replace(job, turn=job.turn + 1))
