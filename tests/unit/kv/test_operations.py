"""Values and namespaces, with fakes for all that is outside."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kv_common.errors import Conflict, NotFound, ValidationError
from kv_common.events import NamespaceCreated
from kv_service.domain import (
    EMPTY,
    Holdings,
    KeyInfo,
    Namespace,
    NamespaceStatus,
    NewValue,
    PageRequest,
    Space,
    StorageFull,
)
from kv_service.jobs import Job, JobKind
from kv_service.operations import Namespaces, Values
from tests.unit.kv.fakes import ACCOUNT, NOW_MS, Directory, Journal, Limiter, Shelf

HERE = Space(ACCOUNT, "n1")
THERE = Space(ACCOUNT, "n2")


class Times:
    """A clock in milliseconds that moves on by one at each look."""

    def __init__(self) -> None:
        self.now = NOW_MS

    def __call__(self) -> int:
        self.now += 1
        return self.now


def values_of(shelf: Shelf) -> Values:
    return Values(shelf, now_ms=Times(), random_below=random.Random(7).randrange, cursor_secret=lambda: b"s" * 32)


def test_a_value_comes_back_as_it_was_put() -> None:
    values = values_of(Shelf())

    stored = values.put(HERE, NewValue("k", '{"a": 1.0}'))
    found = values.get(HERE, "k")

    assert stored.created
    assert (found.text, found.etag, found.info) == ('{"a": 1.0}', stored.etag, stored.info)
    assert stored.info == KeyInfo("k", 10, NOW_MS + 1, NOW_MS + 1)


def test_replacing_a_value_keeps_its_creation_and_changes_its_etag() -> None:
    values = values_of(Shelf())
    first = values.put(HERE, NewValue("k", "1"))

    second = values.put(HERE, NewValue("k", '"é"'))

    assert not second.created
    assert second.etag != first.etag
    assert second.info == KeyInfo("k", 4, first.info.created_at_ms, NOW_MS + 2)
    assert values.get(HERE, "k").info == second.info


def test_putting_the_same_value_again_changes_the_etag_too() -> None:
    values = values_of(Shelf())

    assert values.put(HERE, NewValue("k", "1")).etag != values.put(HERE, NewValue("k", "1")).etag


def test_a_head_has_everything_but_the_text() -> None:
    values = values_of(Shelf())
    stored = values.put(HERE, NewValue("k", "12"))

    found = values.head(HERE, "k")

    assert (found.text, found.etag, found.info) == ("", stored.etag, stored.info)


def test_a_key_that_is_not_there_is_not_found() -> None:
    values = values_of(Shelf())
    for look in (values.get, values.head):
        with pytest.raises(NotFound) as refusal:
            look(HERE, "k")
        assert refusal.value.details == {"resource": "key"}


def test_what_has_no_room_is_refused_unless_it_replaces_as_much() -> None:
    values = values_of(Shelf())
    values.put(Space(ACCOUNT, "n1", room=1 + 10), NewValue("k", "1" * 10))

    with pytest.raises(StorageFull) as refusal:
        values.put(Space(ACCOUNT, "n1", room=10), NewValue("l", "1" * 10))
    assert refusal.value.details == {"reason": "storage_quota"}

    full = Space(ACCOUNT, "n1", room=0)
    values.put(full, NewValue("k", "2" * 10))
    with pytest.raises(StorageFull):
        values.put(full, NewValue("k", "3" * 11))
    assert values.get(HERE, "k").text == "2" * 10
    values.put(Space(ACCOUNT, "n1", room=1), NewValue("k", "3" * 11))


def test_a_deleted_key_is_gone_and_may_be_deleted_again() -> None:
    values = values_of(Shelf())
    values.put(HERE, NewValue("k", "1"))

    values.delete(HERE, "k")
    values.delete(HERE, "k")

    with pytest.raises(NotFound):
        values.get(HERE, "k")
    assert values.put(HERE, NewValue("k", "1")).created


@given(st.sets(st.text("ab:", min_size=1, max_size=3)), st.text("ab", max_size=1), st.integers(1, 5))
def test_pages_show_every_key_of_a_prefix_once_and_in_order(keys: set[str], prefix: str, limit: int) -> None:
    shelf = Shelf()
    shelf.fill("n1", sorted(keys))
    shelf.fill("n2", ["a-other", "b-other"])
    values = values_of(shelf)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(len(keys) + 1):
        page = values.page(HERE, PageRequest(prefix, limit, cursor))
        assert len(page.keys) <= limit
        seen += [info.key for info in page.keys]
        cursor = page.cursor
        if cursor is None:
            break

    assert cursor is None
    assert seen == sorted(key for key in keys if key.startswith(prefix))


def test_a_cursor_is_good_for_its_own_list_only() -> None:
    shelf = Shelf()
    shelf.fill("n1", ["a1", "a2", "a3"])
    values = values_of(shelf)
    cursor = values.page(HERE, PageRequest("a", 1, None)).cursor
    assert cursor is not None
    assert [info.key for info in values.page(HERE, PageRequest("a", 5, cursor)).keys] == ["a2", "a3"]

    for space, prefix in (
        (HERE, ""),
        (HERE, "a1"),
        (THERE, "a"),
        (Space("00000000-0000-4000-8000-000000000001", "n1"), "a"),
    ):
        with pytest.raises(ValidationError):
            values.page(space, PageRequest(prefix, 5, cursor))


@pytest.mark.parametrize("cursor", ["", "a1", "AAAA", "n1"])
def test_a_cursor_that_nobody_signed_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationError):
        values_of(Shelf()).page(HERE, PageRequest("", 5, cursor))


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
    assert event.data == NamespaceCreated(made.id, "settings")


def test_a_namespace_is_shown_with_what_it_holds(world: World) -> None:
    made = world.create()
    world.directory.held[ACCOUNT, made.id] = Holdings(3, 120)

    assert world.namespaces.get(ACCOUNT, "settings") == (made, Holdings(3, 120))
    assert world.namespaces.all(ACCOUNT) == [(made, Holdings(3, 120))]


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
