"""Namespaces, with fakes for all that is outside."""

from __future__ import annotations

import random

import pytest

from kv_common.errors import Conflict, NotFound
from kv_common.events import NamespaceCreated
from kv_service.jobs.model import Job, JobKind
from kv_service.namespaces.model import EMPTY, Namespace, NamespaceStats, NamespaceStatus
from kv_service.namespaces.service import Namespaces
from tests.unit.kv.fakes import ACCOUNT, NOW_MS, FakeLimiter, FakeNamespaceStore, Journal


class Harness:
    """Namespaces with stores that note what happened to them, in order."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.namespace_store = FakeNamespaceStore(self.journal)
        self.limiter = FakeLimiter(self.journal)
        self.namespaces = Namespaces(
            self.namespace_store, self.limiter, now_ms=lambda: NOW_MS, random_below=random.Random(7).randrange
        )

    def create(self, account_id: str = ACCOUNT) -> Namespace:
        return self.namespaces.create(account_id, "settings", correlation_id="c1")

    def delete(self) -> None:
        self.namespaces.delete(ACCOUNT, "settings", correlation_id="c2")


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_a_new_namespace_is_in_the_table_before_redis_tells_of_it(harness: Harness) -> None:
    made = harness.create()

    assert (made.name, made.created_at_ms, made.status) == ("settings", NOW_MS, NamespaceStatus.ACTIVE)
    assert harness.journal == ["created in the table", "remembered in Redis"]
    assert harness.limiter.names == {(ACCOUNT, "settings"): made.id}
    assert harness.namespaces.get(ACCOUNT, "settings") == (made, EMPTY)
    assert harness.namespaces.all(ACCOUNT) == [(made, EMPTY)]


def test_a_new_namespace_is_told_with_its_name_and_the_request(harness: Harness) -> None:
    made = harness.create()

    (event,) = harness.namespace_store.told
    assert (event.id, event.account_id, event.correlation_id) == (f"{made.id}#created", ACCOUNT, "c1")
    assert event.data == NamespaceCreated(namespace_id=made.id, name="settings")


def test_a_namespace_is_shown_with_what_it_holds(harness: Harness) -> None:
    made = harness.create()
    harness.namespace_store.held[ACCOUNT, made.id] = NamespaceStats(3, 120)

    assert harness.namespaces.get(ACCOUNT, "settings") == (made, NamespaceStats(3, 120))
    assert harness.namespaces.all(ACCOUNT) == [(made, NamespaceStats(3, 120))]


def test_a_namespace_can_be_made_without_redis(harness: Harness) -> None:
    harness.limiter.down = True

    made = harness.create()

    assert harness.namespaces.get(ACCOUNT, "settings")[0] == made


def test_a_name_that_is_taken_is_a_conflict_that_redis_never_hears_of(harness: Harness) -> None:
    made = harness.create()

    with pytest.raises(Conflict):
        harness.create()

    assert harness.limiter.names == {(ACCOUNT, "settings"): made.id}


def test_another_accounts_namespace_is_not_found(harness: Harness) -> None:
    harness.create("another")
    for attempt in (lambda: harness.namespaces.get(ACCOUNT, "settings"), harness.delete):
        with pytest.raises(NotFound) as refusal:
            attempt()
        assert refusal.value.details == {"resource": "namespace"}
    assert harness.namespaces.all(ACCOUNT) == []
    assert ("another", "settings") in harness.namespace_store.namespaces


def test_deleting_closes_the_namespace_and_leaves_the_rest_to_a_job(harness: Harness) -> None:
    made = harness.create()
    harness.journal.clear()

    harness.delete()

    assert harness.journal == ["closed in the table", "forgotten in Redis"]
    assert harness.limiter.gone == {made.id}
    assert harness.namespaces.get(ACCOUNT, "settings")[0].status is NamespaceStatus.DELETING
    assert harness.namespace_store.jobs == [Job(ACCOUNT, made.id, JobKind.DELETE_NAMESPACE, "settings", NOW_MS, "c2")]


def test_a_deletion_needs_no_redis_to_begin(harness: Harness) -> None:
    harness.create()
    harness.limiter.down = True

    harness.delete()

    assert len(harness.namespace_store.jobs) == 1


def test_deleting_twice_begins_one_job(harness: Harness) -> None:
    harness.create()

    harness.delete()
    harness.delete()

    assert len(harness.namespace_store.jobs) == 1


def test_a_name_can_be_used_again_at_once_and_stands_for_a_new_namespace(harness: Harness) -> None:
    first = harness.create()
    harness.delete()

    second = harness.create()

    assert second.id != first.id
    assert harness.limiter.names == {(ACCOUNT, "settings"): second.id}
    assert harness.namespaces.get(ACCOUNT, "settings") == (second, EMPTY)
