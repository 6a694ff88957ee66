"""Jobs: work of an account that takes longer than a request, done in runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

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
"""Returns whether a run has time left for another step."""

Work = Callable[[Job, KeepGoing], bool]
"""Does a turn of a job, as far as it gets; returns whether the job is finished."""
