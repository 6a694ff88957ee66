"""Values on the real table: its conditions implement the rules for preconditions in one round trip."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from kv_common.errors import AppError, NotFound
from kv_service.namespaces.model import NamespaceRef
from kv_service.values import preconditions
from kv_service.values.commands import Delete, Get, Increment, Patch, Put, Write, WriteResult
from kv_service.values.model import StorageFull, Version
from kv_service.values.pages import PageRequest
from kv_service.values.service import Values
from tests.support.dynamodb_calls import lost_responses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kv_service.container import Kv
    from kv_service.persistence import ValueStore
    from kv_service.values.preconditions import Precondition


class Harness:
    """Values of a new namespace, with a settable clock."""

    def __init__(self, kv: Kv) -> None:
        self.now = 1_795_176_000_250
        self.store = cast("ValueStore", kv.values._store)
        self.space = NamespaceRef("00000000-0000-4000-8000-000000000001", secrets.token_hex(6))
        self.values = Values(
            self.store,
            now_ms=lambda: self.now,
            random_below=secrets.randbelow,
            cursor_secret=lambda: b"s" * 32,
            wait=time.sleep,
        )

    def write(self, command: Write, *, room: int = 10**12) -> Version | None:
        return self.values.write(replace(self.space, room=room), command).version

    def get(self, key: str = "k") -> Version | None:
        try:
            return self.values.get(self.space, Get(key))
        except NotFound:
            return None

    def outcome(self, command: Write) -> object:
        """The outcome of a write: the error's code, or the stored text and whether the key is new."""
        try:
            written = self.values.write(self.space, command)
        except AppError as problem:
            return problem.code
        return (written.version and written.version.text, written.created)


@pytest.fixture
def harness(kv: Kv) -> Harness:
    return Harness(kv)


def nothing(_world: Harness) -> str:
    return "none"


def a_value(harness: Harness) -> str:
    version = harness.write(Put("k", '{"a":1}', ttl_s=100))
    assert version
    return version.etag


def an_integer(harness: Harness) -> str:
    version = harness.write(Put("k", "41"))
    assert version
    return version.etag


def one_that_expired(harness: Harness) -> str:
    etag = a_value(harness)
    harness.now += 101_000
    return etag


STATES: tuple[Callable[[Harness], str], ...] = (nothing, a_value, an_integer, one_that_expired)
PRECONDITIONS: dict[str, Callable[[str], Precondition]] = {
    "none": lambda _: preconditions.NONE,
    "if-match *": lambda _: preconditions.read("*", None),
    "if-match it": lambda etag: preconditions.read(f'"x", "{etag}"', None),
    "if-match weak": lambda etag: preconditions.read(f'W/"{etag}"', None),
    "if-match other": lambda _: preconditions.read('"x"', None),
    "if-none-match *": lambda _: preconditions.read(None, "*"),
    "if-none-match it": lambda etag: preconditions.read(None, f'"x", W/"{etag}"'),
    "if-none-match other": lambda _: preconditions.read(None, '"x"'),
}
FAILED, TEXT = "PRECONDITION_FAILED", "[2]"
PUTS: dict[str, list[object]] = {
    "none": [(TEXT, True), (TEXT, False), (TEXT, False), (TEXT, True)],
    "if-match *": [FAILED, (TEXT, False), (TEXT, False), FAILED],
    "if-match it": [FAILED, (TEXT, False), (TEXT, False), FAILED],
    "if-match weak": [FAILED] * 4,
    "if-match other": [FAILED] * 4,
    "if-none-match *": [(TEXT, True), FAILED, FAILED, (TEXT, True)],
    "if-none-match it": [(TEXT, True), FAILED, FAILED, (TEXT, True)],
    "if-none-match other": [(TEXT, True), (TEXT, False), (TEXT, False), (TEXT, True)],
}


@pytest.mark.parametrize("name", PRECONDITIONS)
def test_put_succeeds_or_fails_by_the_stored_version(harness: Harness, name: str) -> None:
    for state, expected in zip(STATES, PUTS[name], strict=True):
        harness.write(Delete("k"))
        before = PRECONDITIONS[name](state(harness))
        created = (found := harness.get()) and found.created_at_ms
        harness.now += 7
        assert harness.outcome(Put("k", TEXT, precondition=before)) == expected, state.__name__
        found = harness.get()
        if expected != FAILED:
            assert found
            assert (found.created_at_ms, found.expires_at_s) == (created or harness.now, None)


@pytest.mark.parametrize("name", [name for name in PRECONDITIONS if "none-match" not in name])
def test_increment_and_delete_succeed_or_fail_by_the_stored_version(harness: Harness, name: str) -> None:
    sums: list[object] = [("1", False), "CONFLICT", ("42", False), ("1", True)]
    gone: list[object] = [(None, False)] * 4
    for index, state in enumerate(STATES):
        for command, outcomes in ((Increment, sums), (Delete, gone)):
            harness.write(Delete("k"))
            precondition = PRECONDITIONS[name](state(harness))
            outcome = harness.outcome(command("k", precondition=precondition))
            expected = FAILED if PUTS[name][index] == FAILED else outcomes[index]
            assert outcome == expected, (state.__name__, command.__name__)


def test_increments_are_bounded_to_64_bits(harness: Harness) -> None:
    for start, by, end in (
        (2**63 - 2, 1, 2**63 - 1),
        (2**63 - 1, 1, None),
        (2**63 - 1, -(2**63), -1),
        (-(2**63), -1, None),
        (-(2**63), 2**63 - 1, -1),
        (0, -(2**63), -(2**63)),
        (-1, -(2**63), None),
    ):
        harness.write(Put("k", str(start)))
        outcome = harness.outcome(Increment("k", by))
        assert outcome == ("CONFLICT" if end is None else (str(end), False))
        found = harness.get()
        assert found
        assert found.text == str(start if end is None else end)


def test_increment_keeps_sets_and_clears_the_ttl(harness: Harness) -> None:
    harness.write(Put("k", "1", ttl_s=100, metadata='{"m":1}'))
    kept = harness.write(Increment("k"))
    renewed = harness.write(Increment("k", ttl_s=200))
    cleared = harness.write(Increment("k", ttl_s=None))
    assert kept
    assert renewed
    assert cleared
    assert [one.expires_at_s for one in (kept, renewed, cleared)] == [1_795_176_101, 1_795_176_201, None]
    assert harness.get() == cleared
    assert cleared.metadata == '{"m":1}'


def test_value_replaces_any_other_storage_format(harness: Harness) -> None:
    texts = ["7", '"' + "x" * 3_000 + '"', '{"a":1}', "-7", "[1]"]
    for before in texts:
        for after in texts:
            harness.write(Put("k", before, ttl_s=50, metadata="{}"))
            harness.write(Put("k", after))
            found = harness.get()
            assert found
            assert (found.text, found.size, found.metadata, found.expires_at_s) == (after, len(after), None, None)
            head = harness.values.head(harness.space, Get("k"))
            assert (head.size, head.etag, head.text) == (
                len(after),
                found.etag,
                after if after in ("7", "-7") else None,
            )


def test_put_over_the_storage_limit_fails_unless_it_frees_as_much(harness: Harness) -> None:
    harness.write(Put("k", '"' + "x" * 98 + '"'))
    with pytest.raises(StorageFull):
        harness.write(Put("l", "[]"), room=0)
    with pytest.raises(StorageFull):
        harness.write(Put("k", '"' + "x" * 99 + '"'), room=0)
    with pytest.raises(StorageFull):
        harness.write(Increment("l"), room=0)
    harness.write(Put("k", '"' + "y" * 98 + '"'), room=0)
    # An integer has no stored size, but replacing it frees its bytes all the same.
    harness.write(Put("k", "1234567"))
    harness.write(Put("k", "[12345]"), room=0)
    harness.write(Put("k", "1234567"), room=0)
    harness.write(Increment("k"), room=0)


def test_patch_is_atomic_with_concurrent_writes(harness: Harness) -> None:
    harness.write(Put("k", "{}"))
    for number in range(5):
        harness.write(Patch("k", f'{{"m{number}":1.0}}'))
    found = harness.get()
    assert found
    assert found.text == '{"m0":1.0,"m1":1.0,"m2":1.0,"m3":1.0,"m4":1.0}'


@pytest.mark.parametrize("consistent", [False, True])
def test_lists_omit_expired_keys_and_fill_their_pages(harness: Harness, *, consistent: bool) -> None:
    for number in range(30):
        harness.write(Put(f"a{number:02}", str(number), ttl_s=10 if number % 3 else None, metadata=f'{{"n":{number}}}'))
    harness.write(Put("b", '"text"'))
    harness.now += 20_000
    listed: list[Version] = []
    cursor: str | None = None
    while True:
        page = harness.values.page(harness.space, PageRequest("a", 4, cursor, metadata=True, consistent=consistent))
        listed += page.keys
        cursor = page.cursor
        if cursor is None:
            break
        assert len(page.keys) == 4
    assert [version.key for version in listed] == [f"a{number:02}" for number in range(0, 30, 3)]
    assert [version.metadata for version in listed] == [f'{{"n":{number}}}' for number in range(0, 30, 3)]
    assert [version.size for version in listed] == [len(str(number)) for number in range(0, 30, 3)]


@pytest.fixture
def lost_answers() -> Iterator[list[str]]:
    """Lose the first response to every request, which the client then repeats; yield the sent operations."""
    sent: list[str] = []

    def is_first(operation: str) -> bool:
        sent.append(operation)
        return len(sent) % 2 == 1

    with lost_responses(is_first):
        yield sent


def test_write_with_a_lost_response_is_applied_once(harness: Harness, lost_answers: list[str]) -> None:
    written: list[WriteResult] = []

    def write(command: Write) -> None:
        harness.now += 5
        written.append(harness.values.write(harness.space, command))

    write(Put("k", "1"))
    write(Put("k", "5"))
    write(Increment("k", 2))
    etag = written[-1].version and written[-1].version.etag
    write(Put("l", "{}", precondition=preconditions.read(None, "*")))
    write(Patch("l", '{"a":1}'))
    write(Put("k", "[]", precondition=preconditions.read(f'"{etag}"', None)))

    assert [(one.version and one.version.text, one.created) for one in written] == [
        ("1", True),
        ("5", False),
        ("7", False),
        ("{}", True),
        ('{"a":1}', False),
        ("[]", False),
    ]
    # Each was sent twice, and the patch reads before it writes.
    assert lost_answers == ["UpdateItem"] * 8 + ["GetItem"] * 2 + ["PutItem"] * 2 + ["UpdateItem"] * 2
