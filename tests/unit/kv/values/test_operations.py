"""Operations on values, with a fake of the store."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from kv_common.dynamodb import TransactionConflict
from kv_common.errors import Conflict, NotFound, PreconditionFailed, Unavailable, ValidationError
from kv_service.namespaces.model import NamespaceRef
from kv_service.values import preconditions
from kv_service.values.commands import Delete, Get, Increment, Patch, Put, WriteResult
from kv_service.values.model import StorageFull, Version
from kv_service.values.pages import PageRequest
from kv_service.values.service import Values
from tests.unit.kv.fakes import ACCOUNT, NOW_MS, FakeValueStore

HERE = NamespaceRef(ACCOUNT, "n1")
THERE = NamespaceRef(ACCOUNT, "n2")
ANY = preconditions.read("*", None)
NOTHING = preconditions.read(None, "*")


class Clock:
    """A clock in milliseconds that moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOW_MS

    def __call__(self) -> int:
        return self.now


class Harness:
    """Values on a fake store, and how long they waited."""

    def __init__(self) -> None:
        self.value_store, self.clock = FakeValueStore(), Clock()
        self.waits: list[float] = []
        self.values = Values(
            self.value_store,
            now_ms=self.clock,
            random_below=random.Random(7).randrange,
            cursor_secret=lambda: b"s" * 32,
            wait=self.waits.append,
        )

    def put(self, text: str, **options: Any) -> WriteResult:
        return self.values.write(HERE, Put("k", text, **options))

    def get(self) -> Version:
        return self.values.get(HERE, Get("k"))

    def text(self) -> str | None:
        return self.get().text


@pytest.fixture
def harness() -> Harness:
    return Harness()


def version_of(written: WriteResult) -> Version:
    assert written.version is not None
    return written.version


def test_a_value_comes_back_as_it_was_put(harness: Harness) -> None:
    written = harness.put('{"a": 1.0}', ttl_s=5, metadata='{"m":1}')

    assert written.created
    assert harness.get() == written.version
    version = version_of(written)
    assert (version.text, version.size, version.metadata) == ('{"a": 1.0}', 10, '{"m":1}')
    assert (version.created_at_ms, version.updated_at_ms) == (NOW_MS, NOW_MS)


def test_replacing_a_value_keeps_its_creation_and_nothing_else(harness: Harness) -> None:
    first = version_of(harness.put("1", ttl_s=60, metadata="{}"))
    harness.clock.now += 10

    second = harness.put('"é"')

    assert not second.created
    version = version_of(second)
    assert version.etag != first.etag
    assert (version.size, version.created_at_ms, version.updated_at_ms) == (4, NOW_MS, NOW_MS + 10)
    assert (version.expires_at_s, version.metadata) == (None, None)


def test_a_head_has_everything_but_the_text(harness: Harness) -> None:
    written = version_of(harness.put("12"))

    found = harness.values.head(HERE, Get("k"))

    assert (found.text, found.etag, found.size) == (None, written.etag, 2)


def test_a_value_lives_for_its_seconds_and_is_absent_from_then_on(harness: Harness) -> None:
    harness.put("1", ttl_s=1)
    # Put at a quarter past a second: the next full second after at least one has gone by.
    harness.clock.now = NOW_MS - NOW_MS % 1000 + 1_999
    assert harness.text() == "1"
    harness.clock.now += 1

    for look in (harness.values.get, harness.values.head):
        with pytest.raises(NotFound) as refusal:
            look(HERE, Get("k"))
        assert refusal.value.details == {"resource": "key"}
    assert harness.values.page(HERE, PageRequest("", 10, None)).keys == ()


@pytest.mark.parametrize(
    "command",
    [
        Put("k", "2"),
        Put("k", "2", precondition=NOTHING),
        Put("k", "2", precondition=preconditions.read(None, '"e1"')),
        Increment("k", 2),
    ],
    ids=["put", "put if none", "put if none of", "increment"],
)
def test_what_has_expired_is_created_anew_by_every_write(harness: Harness, command: Put | Increment) -> None:
    harness.put("1", ttl_s=1, metadata="{}")
    harness.clock.now += 10_000

    version = version_of(harness.values.write(HERE, command))

    assert (version.text, version.created_at_ms, version.expires_at_s) == ("2", harness.clock.now, None)
    assert version.metadata is None


def test_what_has_expired_can_be_neither_changed_nor_matched(harness: Harness) -> None:
    etag = version_of(harness.put('{"a":1}', ttl_s=1)).etag
    harness.clock.now += 10_000

    with pytest.raises(NotFound):
        harness.values.write(HERE, Patch("k", '{"a":2}'))
    for tags in ("*", f'"{etag}"'):
        precondition = preconditions.read(tags, None)
        for command in (
            Put("k", "2", precondition=precondition),
            Delete("k", precondition),
            Increment("k", 1, UNSET, precondition),
        ):
            with pytest.raises(PreconditionFailed) as refusal:
                harness.values.write(HERE, command)
            assert refusal.value.details == {"etag": None}


def test_a_write_is_refused_where_its_precondition_does_not_hold(harness: Harness) -> None:
    with pytest.raises(PreconditionFailed):
        harness.put("1", precondition=ANY)
    etag = version_of(harness.put("1", precondition=NOTHING)).etag
    with pytest.raises(PreconditionFailed) as refusal:
        harness.put("2", precondition=NOTHING)
    assert refusal.value.details == {"etag": f'"{etag}"'}

    harness.put("3", precondition=preconditions.read(f'"{etag}"', None))

    for command in (
        Put("k", "4", precondition=preconditions.read(f'"{etag}"', None)),
        Delete("k", preconditions.read(f'"{etag}"', None)),
    ):
        with pytest.raises(PreconditionFailed):
            harness.values.write(HERE, command)
    assert harness.text() == "3"


def test_a_get_tells_whether_its_precondition_holds(harness: Harness) -> None:
    with pytest.raises(PreconditionFailed):
        harness.values.get(HERE, Get("k", precondition=ANY))
    etag = version_of(harness.put("1")).etag

    assert harness.values.get(HERE, Get("k", precondition=preconditions.read(f'"{etag}"', None))).text == "1"
    # The answer says that nothing has changed.
    assert harness.values.get(HERE, Get("k", precondition=preconditions.read(None, f'W/"{etag}"'))).etag == etag
    with pytest.raises(PreconditionFailed):
        harness.values.get(HERE, Get("k", precondition=preconditions.read('"other"', None)))


def test_an_increment_begins_at_zero_and_keeps_what_it_does_not_name(harness: Harness) -> None:
    assert version_of(harness.values.write(HERE, Increment("k"))).text == "1"
    harness.put("41", ttl_s=60, metadata="{}")

    version = version_of(harness.values.write(HERE, Increment("k", 1)))

    assert (version.text, version.metadata) == ("42", "{}")
    assert version.expires_at_s is not None
    assert version_of(harness.values.write(HERE, Increment("k", -2, None))).expires_at_s is None
    assert harness.text() == "40"


@pytest.mark.parametrize("text", ["1.0", "-0", "1e3", '"1"', "null", "{}", "9223372036854775808"])
def test_only_an_integer_of_64_bits_can_be_added_to(harness: Harness, text: str) -> None:
    harness.put(text)
    with pytest.raises(Conflict) as refusal:
        harness.values.write(HERE, Increment("k"))
    assert refusal.value.details == {"reason": "not_an_integer"}
    assert harness.text() == text


@pytest.mark.parametrize(("text", "by"), [("9223372036854775807", 1), ("-9223372036854775808", -1), ("1", 2**63 - 1)])
def test_a_sum_of_more_than_64_bits_is_refused(harness: Harness, text: str, by: int) -> None:
    harness.put(text)
    with pytest.raises(Conflict) as refusal:
        harness.values.write(HERE, Increment("k", by))
    assert refusal.value.details == {"reason": "out_of_range"}
    assert harness.text() == text


def test_a_patch_changes_members_and_keeps_what_it_does_not_name(harness: Harness) -> None:
    first = version_of(harness.put('{"a": 1.0, "b": 2}', ttl_s=60, metadata="{}"))
    harness.clock.now += 5

    second = version_of(harness.values.write(HERE, Patch("k", '{"b":null,"c":3}')))

    assert (second.text, second.size) == ('{"a":1.0,"c":3}', 15)
    assert (second.expires_at_s, second.metadata) == (first.expires_at_s, "{}")
    assert (second.created_at_ms, second.updated_at_ms) == (NOW_MS, NOW_MS + 5)
    assert second.etag != first.etag
    third = version_of(harness.values.write(HERE, Patch("k", None, ttl_s=None, metadata=None)))
    assert (third.text, third.expires_at_s, third.metadata) == (second.text, None, None)


def test_a_patch_needs_an_object_that_is_there(harness: Harness) -> None:
    with pytest.raises(NotFound):
        harness.values.write(HERE, Patch("k", "{}"))
    harness.put("[1]")
    with pytest.raises(Conflict) as refusal:
        harness.values.write(HERE, Patch("k", "{}"))
    assert refusal.value.details == {"reason": "not_an_object"}
    harness.values.write(HERE, Patch("k", None, ttl_s=60))
    assert harness.text() == "[1]"


def test_a_patch_that_another_writer_overtakes_is_made_to_what_that_one_left(harness: Harness) -> None:
    harness.put('{"a":1}')
    harness.value_store.before_replacing = [
        Version("k", f'{{"a":1,"n":{number}}}', 15, f"e{number}", NOW_MS, NOW_MS) for number in range(3)
    ]

    harness.values.write(HERE, Patch("k", '{"a":2}'))

    assert harness.text() == '{"a":2,"n":2}'
    assert len(harness.waits) == 3
    assert all(0 <= wait < 0.1 for wait in harness.waits)


def test_a_patch_that_is_overtaken_again_and_again_is_given_up_and_may_be_retried(harness: Harness) -> None:
    harness.put('{"a":1}')
    harness.value_store.before_replacing = [
        Version("k", "{}", 2, f"e{number}", NOW_MS, NOW_MS) for number in range(100)
    ]

    with pytest.raises(Unavailable):
        harness.values.write(HERE, Patch("k", '{"a":2}'))
    assert harness.text() == "{}"


def test_a_write_that_meets_a_transaction_waits_for_its_end(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.put("1")

    def contended(*_: Any, **__: Any) -> None:
        raise TransactionConflict

    monkeypatch.setattr(harness.value_store, "put", contended)
    harness.put("2")

    assert harness.text() == "2"


def test_what_has_no_room_is_refused_unless_it_replaces_as_much(harness: Harness) -> None:
    harness.values.write(NamespaceRef(ACCOUNT, "n1", room=1 + 10), Put("k", "1" * 10))

    with pytest.raises(StorageFull) as refusal:
        harness.values.write(NamespaceRef(ACCOUNT, "n1", room=10), Put("l", "1" * 10))
    assert refusal.value.details == {"reason": "storage_quota"}

    full = NamespaceRef(ACCOUNT, "n1", room=0)
    harness.values.write(full, Put("k", "2" * 10))
    for grows in (Put("k", "3" * 11), Put("k", "3" * 10, metadata="{}"), Increment("l")):
        with pytest.raises(StorageFull):
            harness.values.write(full, grows)
    assert harness.text() == "2" * 10
    harness.values.write(NamespaceRef(ACCOUNT, "n1", room=1), Put("k", "3" * 11))


def test_what_has_expired_makes_room_for_what_takes_its_place(harness: Harness) -> None:
    harness.put('"' + "x" * 98 + '"', ttl_s=1)
    harness.clock.now += 10_000

    harness.values.write(NamespaceRef(ACCOUNT, "n1", room=0), Put("k", "1" * 100))

    assert harness.text() == "1" * 100


def test_a_deleted_key_is_gone_and_may_be_deleted_again(harness: Harness) -> None:
    harness.put("1")

    harness.values.write(HERE, Delete("k"))
    harness.values.write(HERE, Delete("k"))

    with pytest.raises(NotFound):
        harness.get()
    assert harness.put("1").created


@given(st.sets(st.text("ab:", min_size=1, max_size=3)), st.text("ab", max_size=1), st.integers(1, 5))
def test_pages_show_every_key_of_a_prefix_once_and_in_order(keys: set[str], prefix: str, limit: int) -> None:
    harness = Harness()
    harness.value_store.fill("n1", sorted(keys))
    harness.value_store.fill("n2", ["a-other", "b-other"])
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(len(keys) + 1):
        page = harness.values.page(HERE, PageRequest(prefix, limit, cursor))
        assert len(page.keys) <= limit
        seen += [version.key for version in page.keys]
        cursor = page.cursor
        if cursor is None:
            break

    assert cursor is None
    assert seen == sorted(key for key in keys if key.startswith(prefix))


def test_a_cursor_is_good_for_its_own_list_only(harness: Harness) -> None:
    harness.value_store.fill("n1", ["a1", "a2", "a3"])
    cursor = harness.values.page(HERE, PageRequest("a", 1, None)).cursor
    assert cursor is not None
    found = harness.values.page(HERE, PageRequest("a", 5, cursor)).keys
    assert [version.key for version in found] == ["a2", "a3"]

    for space, prefix in (
        (HERE, ""),
        (HERE, "a1"),
        (THERE, "a"),
        (NamespaceRef("00000000-0000-4000-8000-000000000001", "n1"), "a"),
    ):
        with pytest.raises(ValidationError):
            harness.values.page(space, PageRequest(prefix, 5, cursor))


@pytest.mark.parametrize("cursor", ["", "a1", "AAAA", "n1"])
def test_a_cursor_that_nobody_signed_is_refused(harness: Harness, cursor: str) -> None:
    with pytest.raises(ValidationError):
        harness.values.page(HERE, PageRequest("", 5, cursor))


def test_a_reader_who_is_overtaken_reads_what_overtook_it_and_lags_no_more(harness: Harness) -> None:
    harness.put("1")
    harness.value_store.before_text = [
        Version("k", "2", 1, "e2", NOW_MS, NOW_MS),
        Version("k", "3", 1, "e3", NOW_MS, NOW_MS),
    ]

    assert harness.values.get(HERE, Get("k", consistent=False)).text == "3"
    assert harness.value_store.consistent == [False, True, True]


def test_a_reader_whose_value_was_deleted_meanwhile_finds_none(harness: Harness) -> None:
    harness.put("1")
    harness.value_store.before_text = [None]

    with pytest.raises(NotFound):
        harness.get()


def test_a_reader_who_is_overtaken_time_and_again_is_told_to_come_back(harness: Harness) -> None:
    harness.put("1")
    harness.value_store.before_text = [Version("k", "2", 1, f"e{n}", NOW_MS, NOW_MS) for n in range(3)]

    with pytest.raises(Unavailable):
        harness.get()


def test_who_has_the_version_already_needs_no_text(harness: Harness) -> None:
    etag = version_of(harness.put("1")).etag
    harness.value_store.before_text = [None]

    command = Get("k", precondition=preconditions.read(None, f'"{etag}"'))
    assert harness.values.get(HERE, command).etag == etag
    assert harness.value_store.before_text == [None]


def test_a_patch_that_is_overtaken_changes_what_overtook_it(harness: Harness) -> None:
    harness.put('{"a":1}')
    harness.value_store.before_text = [Version("k", '{"b":1}', 7, "e2", NOW_MS, NOW_MS)]

    harness.values.write(HERE, Patch("k", '{"c":1}'))

    assert harness.text() == '{"b":1,"c":1}'


def test_a_large_text_is_written_on_the_condition_that_nothing_moved(harness: Harness) -> None:
    harness.put("1")
    harness.value_store.before_replacing = [Version("k", "2", 1, "e2", NOW_MS - 5, NOW_MS)]
    large = '"' + "x" * 390_000 + '"'

    written = harness.put(large)

    assert (harness.text(), version_of(written).created_at_ms) == (large, NOW_MS - 5)
