"""The event that starts a run of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Contracts are looked up when an event is made: importing them imports pydantic, which requests for values do not need.
from kv_common import events

if TYPE_CHECKING:
    from kv_common.events import Event
    from kv_service.jobs.model import Job


def job_due(job: Job, *, now_ms: int) -> Event:
    """Return the event that starts a job's next run."""
    return events.Event(
        id=f"{job.id}#turn-{job.turn}",
        account_id=job.account_id,
        correlation_id=job.correlation_id,
        occurred_at_us=now_ms * 1000,
        data=events.JobDue(job_id=job.id, turn=job.turn),
    )
