"""Namespaces, with fakes for all that is outside."""

from __future__ import annotations

import random

import pytest

from kv_common.errors import Conflict, NotFound
from kv_common.events import NamespaceCreated
from kv_service.jobs.worker import Job, JobKind
from kv_service.namespaces.model import EMPTY, Namespace, NamespaceStats, NamespaceStatus
from kv_service.namespaces.service import Namespaces
from tests.unit.kv.fakes import ACCOUNT, NOW_MS, Directory, Journal, Limiter


class World:
    """Namespaces with stores that note what happened to them, in order."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.directory = Directory(self.journal)
        self.limiter = Limiter(self.journal)
        self.namespaces = Namespaces(
            self.directory, self.limiter, now_ms=lambda: NOW_MS, random_below=random.Random(7).randrange
        )

    def create(self, account_id: str = ACCOUNT) -> Namespace:
        return self.namespaces.create(account_id, "settings", correlation_id="c1")

    def delete(self) -> None:
        self.namespaces.delete(ACCOUNT, "settings", correlation_id="c2")


@pytest.fixture
def world() -> World:
    return World()


def test_a_new_namespace_is_in_the_table_before_redis_tells_of_it(world: World) -> None:
    made = world.create()

    assert (made.name, made.created_at_ms, made.status) == ("settings", NOW_MS, NamespaceStatus.ACTIVE)
    assert world.journal == ["created in the table", "remembered in Redis"]
    assert world.limiter.names == {(ACCOUNT, "settings"): made.id}
    assert world.namespaces.get(ACCOUNT, "settings") == (made, EMPTY)
    assert world.namespaces.all(ACCOUNT) == [(made, EMPTY)]


def test_a_new_namespace_is_told_with_its_name_and_the_request(world: World) -> None:
    made = world.create()

    (event,) = world.directory.told
    assert (event.id, event.account_id, event.correlation_id) == (f"{made.id}#created", ACCOUNT, "c1")
    assert event.data == NamespaceCreated(namespace_id=made.id, name="settings")


def test_a_namespace_is_shown_with_what_it_holds(world: World) -> None:
    made = world.create()
    world.directory.held[ACCOUNT, made.id] = NamespaceStats(3, 120)

    assert world.namespaces.get(ACCOUNT, "settings") == (made, NamespaceStats(3, 120))
    assert world.namespaces.all(ACCOUNT) == [(made, NamespaceStats(3, 120))]


def test_a_namespace_can_be_made_without_redis(world: World) -> None:
    world.limiter.down = True

    made = world.create()

    assert world.namespaces.get(ACCOUNT, "settings")[0] == made


def test_a_name_that_is_taken_is_a_conflict_that_redis_never_hears_of(world: World) -> None:
    made = world.create()

    with pytest.raises(Conflict):
        world.create()

    assert world.limiter.names == {(ACCOUNT, "settings"): made.id}


def test_another_accounts_namespace_is_not_found(world: World) -> None:
    world.create("another")
    for attempt in (lambda: world.namespaces.get(ACCOUNT, "settings"), world.delete):
        with pytest.raises(NotFound) as refusal:
            attempt()
        assert refusal.value.details == {"resource": "namespace"}
    assert world.namespaces.all(ACCOUNT) == []
    assert ("another", "settings") in world.directory.namespaces


def test_deleting_closes_the_namespace_and_leaves_the_rest_to_a_job(world: World) -> None:
    made = world.create()
    world.journal.clear()

    world.delete()

    assert world.journal == ["closed in the table", "forgotten in Redis"]
    assert world.limiter.gone == {made.id}
    assert world.namespaces.get(ACCOUNT, "settings")[0].status is NamespaceStatus.DELETING
    assert world.directory.jobs == [Job(ACCOUNT, made.id, JobKind.DELETE_NAMESPACE, "settings", NOW_MS, "c2")]


def test_a_deletion_needs_no_redis_to_begin(world: World) -> None:
    world.create()
    world.limiter.down = True

    world.delete()

    assert len(world.directory.jobs) == 1


def test_deleting_twice_begins_one_job(world: World) -> None:
    world.create()

    world.delete()
    world.delete()

    assert len(world.directory.jobs) == 1


def test_a_name_can_be_used_again_at_once_and_stands_for_a_new_namespace(world: World) -> None:
    first = world.create()
    world.delete()

    second = world.create()

    assert second.id != first.id
    assert world.limiter.names == {(ACCOUNT, "settings"): second.id}
    assert world.namespaces.get(ACCOUNT, "settings") == (second, EMPTY)
