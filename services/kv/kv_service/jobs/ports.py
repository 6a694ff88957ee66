"""What the worker needs of its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kv_service.jobs.model import Job


class JobStore(Protocol):
    """The jobs of an account; every method may raise Unavailable."""

    def get(self, account_id: str, job_id: str) -> Job | None:
        """Return a job as it is now; None if it has finished or never existed."""

    def continue_with(self, job: Job) -> None:
        """Store the job's next run and publish it; idempotent."""
