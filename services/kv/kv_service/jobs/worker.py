"""Jobs: work that takes longer than a request, done in turns that may each be done again.

A job is an item of its account; the event that its next run is due is written in one transaction with the change that
caused it.
The bus brings that to the jobs queue and the queue to the worker: at least once, and again after a crash. A turn that
comes late or twice finds the job finished or at a later run, and does nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kv_common.events import Event, JobDue
    from kv_service.jobs.model import JobKind, Work
    from kv_service.jobs.ports import JobStore


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
