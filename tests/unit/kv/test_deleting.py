"""Jobs that delete: nobody new gets in, everything goes, and each step may be done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kv_common.errors import Unavailable
from kv_common.events import Event, JobDue, NamespaceDeleted
from kv_common.redis import RedisUnavailable
from kv_service.deletion.service import Deletions
from kv_service.jobs.model import Job, JobKind
from kv_service.jobs.worker import Worker
from kv_service.namespaces.model import EMPTY, Namespace, NamespaceStatus
from kv_service.persistence import AccountStore, JobStore
from kv_service.transfers.service import Transfers
from tests.unit.kv.fakes import (
    ACCOUNT,
    NOW_MS,
    FakeLimiter,
    FakeNamespaceStore,
    FakeObjectStore,
    FakeValueStore,
    Journal,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

JOB = Job(ACCOUNT, "n1", JobKind.DELETE_NAMESPACE, "settings", NOW_MS, "c1")
CLOSING = Namespace("settings", "n1", NOW_MS, NamespaceStatus.DELETING)


class Accounts(AccountStore):
    """Forgets accounts."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def forget(self, account_id: str, namespace_ids: Sequence[str]) -> None:
        self.journal.append(f"{account_id} forgotten with {', '.join(sorted(namespace_ids))}")


class Ends(Transfers):
    """Ends transfers."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def end_all(self, account_id: str, namespace_ids: Collection[str]) -> None:
        self.journal.append(f"transfers of {account_id} ended in {', '.join(sorted(namespace_ids))}")


class Harness:
    """Deletions over fakes that note what happened, in order; a look at the clock takes a second."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.value_store = FakeValueStore(self.journal)
        self.namespace_store = FakeNamespaceStore(self.journal)
        self.limiter = FakeLimiter(self.journal)
        self.waited: list[float] = []
        self.deletions = Deletions(
            accounts=Accounts(self.journal),
            namespaces=self.namespace_store,
            values=self.value_store,
            objects=FakeObjectStore(self.journal),
            transfers=Ends(self.journal),
            limiter=self.limiter,
            now_ms=lambda: NOW_MS + 5_000,
            in_flight_grace_s=20,
            wait=self.waited.append,
        )
        self.namespace_store.namespaces[ACCOUNT, "settings"] = CLOSING
        self.namespace_store.held[ACCOUNT, "n1"] = EMPTY
        self.value_store.fill("n1", ["a", "b", "c"])
        self.value_store.fill("another", ["a"])


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_a_namespace_is_closed_emptied_swept_once_more_and_then_removed_and_told(harness: Harness) -> None:
    assert harness.deletions.namespace(JOB, lambda: True)

    assert harness.journal == [
        "forgotten in Redis",
        f"transfers of {ACCOUNT} ended in n1",
        "values deleted",
        "values deleted",
        "objects of n1 deleted",
        "swept",
        "objects of n1 swept",
        "removed from the table",
    ]
    assert list(harness.value_store.values) == [("another", "a")]
    (event,) = harness.namespace_store.told
    assert (event.id, event.correlation_id, event.data) == (
        "n1#deleted",
        "c1",
        NamespaceDeleted(namespace_id="n1", name="settings"),
    )


def test_the_last_sweep_waits_for_requests_that_were_admitted_before(harness: Harness) -> None:
    harness.deletions.namespace(JOB, lambda: True)

    assert harness.waited == [15.0]


def test_a_turn_that_is_over_stops_between_steps(harness: Harness) -> None:
    assert not harness.deletions.namespace(JOB, lambda: False)
    assert "removed from the table" not in harness.journal
    assert ("n1", "c") in harness.value_store.values

    assert harness.deletions.namespace(JOB, lambda: True)
    assert list(harness.value_store.values) == [("another", "a")]


def test_nothing_is_removed_while_redis_cannot_be_told(harness: Harness) -> None:
    harness.limiter.down = True

    for work in (harness.deletions.namespace, harness.deletions.account):
        with pytest.raises(RedisUnavailable):
            work(JOB, lambda: True)

    assert harness.journal == []
    assert len(harness.value_store.values) == 4


def test_a_deletion_that_stopped_at_the_values_can_be_done_again(harness: Harness) -> None:
    harness.value_store.problem = Unavailable()
    with pytest.raises(Unavailable):
        harness.deletions.namespace(JOB, lambda: True)
    assert (ACCOUNT, "settings") in harness.namespace_store.namespaces

    harness.value_store.problem = None
    assert harness.deletions.namespace(JOB, lambda: True)
    assert (ACCOUNT, "settings") not in harness.namespace_store.namespaces


def test_an_account_goes_with_all_of_its_namespaces(harness: Harness) -> None:
    harness.namespace_store.held[ACCOUNT, "n2"] = EMPTY
    harness.value_store.fill("n2", ["x"])

    assert harness.deletions.account(JOB, lambda: True)

    # An import that went on would fill again what has been emptied.
    assert harness.journal[:2] == ["account closed in Redis", f"transfers of {ACCOUNT} ended in n1, n2"]
    assert harness.journal[-1] == f"{ACCOUNT} forgotten with n1, n2"
    assert list(harness.value_store.values) == [("another", "a")]


class FakeJobStore(JobStore):
    """Jobs by id."""

    def __init__(self, *jobs: Job) -> None:
        self.jobs = {job.id: job for job in jobs}

    def get(self, account_id: str, job_id: str) -> Job | None:
        job = self.jobs.get(job_id)
        return job if job and job.account_id == account_id else None

    def continue_with(self, job: Job) -> None:
        self.jobs[job.id] = job


def due(turn: int = 1, account_id: str = ACCOUNT) -> Event:
    return Event("id", account_id, "c1", 0, JobDue(job_id="n1", turn=turn))


def worker(job_store: FakeJobStore, done: list[int], results: list[bool], ticks: list[float] | None = None) -> Worker:
    clock = iter(ticks or range(1_000))

    def work(job: Job, _keep_going: object) -> bool:
        done.append(job.turn)
        return results.pop(0)

    return Worker(job_store, {JobKind.DELETE_NAMESPACE: work}, budget_s=10, monotonic=lambda: next(clock))


def test_a_job_that_is_not_finished_asks_for_its_next_turn() -> None:
    job_store, done = FakeJobStore(JOB), list[int]()
    one = worker(job_store, done, [False, True])

    one.on_due(due(1))
    assert job_store.jobs["n1"].turn == 2
    one.on_due(due(2))

    assert done == [1, 2]
    assert job_store.jobs["n1"].turn == 2


@pytest.mark.parametrize("event", [due(1), due(3), due(2, "another")])
def test_a_turn_that_was_done_or_is_not_this_accounts_does_nothing(event: Event) -> None:
    job_store, done = (
        FakeJobStore(Job(ACCOUNT, "n1", JobKind.DELETE_NAMESPACE, "settings", NOW_MS, "c1", turn=2)),
        list[int](),
    )

    worker(job_store, done, []).on_due(event)

    assert done == []


def test_a_job_that_is_finished_is_not_done_again() -> None:
    done = list[int]()

    worker(FakeJobStore(), done, []).on_due(due(1))

    assert done == []


def test_a_turn_has_as_much_time_as_it_is_given() -> None:
    request: list[bool] = []
    ticks = iter([0.0, 9.9, 10.1])

    def work(_job: Job, keep_going: object) -> bool:
        assert callable(keep_going)
        request.extend([keep_going(), keep_going()])
        return True

    Worker(FakeJobStore(JOB), {JobKind.DELETE_NAMESPACE: work}, budget_s=10, monotonic=lambda: next(ticks)).on_due(
        due()
    )

    assert request == [True, False]
