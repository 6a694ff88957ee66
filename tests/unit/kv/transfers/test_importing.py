"""Imports: nothing of a file with a wrong line, and every line of any other once, wherever workers die or meet."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kv_common.dynamodb import TransactionConflict
from kv_service.jobs.model import Job, JobKind
from kv_service.persistence.value_bodies import ValueBodies
from kv_service.transfers import importer, ndjson
from kv_service.transfers.importer import Imports
from kv_service.transfers.model import ImportProgress, TransferStatus, job_of
from kv_service.values import model as versions
from kv_service.values.model import Version, stored_bytes
from tests.unit.kv.fakes import NOW_MS
from tests.unit.kv.transfers.fakes import (
    JOB_ID,
    Counted,
    CrashPlan,
    FakeBulkStore,
    FakeTransferFiles,
    FakeTransferStore,
    ProcessCrashed,
    die,
    etag_of,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kv_service.transfers.model import TransferJob

NAME = f"n1/{JOB_ID}.upload"
CHUNK_KEYS = 4


@pytest.fixture(autouse=True, scope="module")
def _small_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "_BLOCK_BYTES", 160)
        patch.setattr(importer, "_CHUNK_KEYS", CHUNK_KEYS)
        yield


class Harness:
    """An import that runs over what is in memory."""

    def __init__(self, file: bytes, *, counted: Counted | None = None) -> None:
        self.crash_plan = CrashPlan()
        self.values = FakeBulkStore(self.crash_plan)
        self.transfer_store = FakeTransferStore(self.crash_plan, self.values)
        self.files = FakeTransferFiles(self.crash_plan)
        self.counted = counted or Counted()
        self.imports = Imports(
            self.transfer_store,
            self.values,
            ValueBodies(self.files),
            self.files,
            self.counted,
            now_ms=lambda: NOW_MS,
            random_below=random.Random(7).randrange,
        )
        self.files.files[NAME] = file
        self.transfer_store.begin(running(JobKind.IMPORT, size=len(file), progress=ImportProgress(etag_of(file))))

    @property
    def transfer(self) -> TransferJob:
        return self.transfer_store.transfers[JOB_ID]

    @property
    def job(self) -> Job:
        return job_of(self.transfer)

    @property
    def progress(self) -> ImportProgress:
        assert isinstance(self.transfer.progress, ImportProgress)
        return self.transfer.progress

    @property
    def errors(self) -> list[Any]:
        assert self.transfer.problem is not None
        details: Any = self.transfer.problem.details
        problems = details["errors"]
        return [(one.line, one.code) for one in problems]

    def turn(self, steps: int = 1_000) -> bool:
        """Do a turn that has time for so many steps."""
        left = iter(range(steps))
        return self.imports.turn(self.job, lambda: next(left, None) is not None)

    def write(self, chunks: int) -> None:
        """Check the whole file and write so many chunks of it."""
        while not self.progress.checked:
            self.turn(steps=1)
        self.turn(steps=chunks)

    def finish(self) -> None:
        """Do turns until the job is finished; after a worker that dies comes another."""
        for _ in range(100):
            with suppress(ProcessCrashed):
                if self.turn():
                    return
        raise AssertionError("it does not come to an end")

    def texts(self) -> dict[str, str | None]:
        return {key: version.text for key, version in self.values.versions.items()}


def file_of(*entries: tuple[str, object], **more: str) -> bytes:
    return b"".join(json.dumps({"key": key, "value": value, **more}).encode() + b"\n" for key, value in entries)


def numbered(count: int) -> bytes:
    return file_of(*((f"k{number}", number) for number in range(count)))


def test_a_file_is_written_as_new_versions_and_then_removed() -> None:
    harness = Harness(b'\n{"key":"b","value":{ "x": 1.0 }}\r\n\n{"key":"a","value":"\xc3\xa9","metadata":{"m":1}}')

    assert harness.turn()

    assert harness.transfer.status is TransferStatus.DONE
    assert (harness.transfer.keys, harness.transfer.bytes, harness.transfer.skipped) == (2, harness.transfer.size, 0)
    assert harness.files.files == {}
    written = harness.values.versions
    assert written["b"].text == '{ "x": 1.0 }'
    assert (written["a"].text, written["a"].size, written["a"].metadata) == ('"é"', 4, '{"m":1}')
    assert written["a"].etag != written["b"].etag
    assert {one.created_at_ms for one in written.values()} == {NOW_MS}


def test_what_was_under_a_key_is_replaced_and_the_rest_stays() -> None:
    harness = Harness(file_of(("a", 2)))
    for key in ("a", "b"):
        harness.values.versions[key] = Version(key, "1", 1, "old", 1, 1, metadata="{}")

    harness.turn()

    assert harness.texts() == {"a": "2", "b": "1"}
    assert harness.values.versions["a"].metadata is None


@pytest.mark.parametrize("file", [b"", b"\n \r\n\t"])
def test_a_file_without_lines_is_imported(file: bytes) -> None:
    harness = Harness(file)
    harness.turn()
    assert (harness.transfer.status, harness.transfer.keys) == (TransferStatus.DONE, 0)


def test_a_file_of_nothing_but_blank_lines_is_read_in_steps_like_any_other() -> None:
    harness = Harness(b"\n" * 640)
    turns = 1
    while not harness.turn(steps=1):
        turns += 1
    assert turns > 8
    assert (harness.transfer.status, harness.transfer.keys) == (TransferStatus.DONE, 0)


def test_lines_that_have_expired_are_skipped_and_counted() -> None:
    harness = Harness(
        file_of(("a", 1), expires_at="2026-11-20T12:00:00.000Z")
        + file_of(("b", 1), expires_at="2026-11-20T12:00:01.000Z")
        + file_of(("c", 1), expires_at="2001-01-01T00:00:00Z")
    )
    harness.turn()
    assert (harness.transfer.keys, harness.transfer.skipped) == (1, 2)
    assert harness.values.versions["b"].expires_at_s == 1_795_176_001


def test_of_lines_with_one_key_the_last_counts() -> None:
    harness = Harness(file_of(*(("same", number) for number in range(2 * CHUNK_KEYS + 3)), ("other", 1)))
    harness.turn()
    assert harness.texts() == {"same": str(2 * CHUNK_KEYS + 2), "other": "1"}
    assert harness.transfer.keys == 2 * CHUNK_KEYS + 4


def test_nothing_is_imported_of_a_file_with_a_wrong_line() -> None:
    harness = Harness(numbered(30) + b'{"key":"x"}\n' + numbered(30) + b'{"key":"","value":1}')

    assert harness.turn()

    assert harness.transfer.status is TransferStatus.FAILED
    assert harness.transfer.problem is not None
    assert harness.transfer.problem.code == "VALIDATION_ERROR"
    assert harness.errors == [(31, "VALIDATION_ERROR"), (62, "VALIDATION_ERROR")]
    assert (harness.values.written, harness.transfer.keys) == ([], 0)
    assert harness.files.files == {}


def test_ten_wrong_lines_are_told_and_no_more_are_read() -> None:
    harness = Harness(b"wrong\n" * 1_000)
    calls = harness.crash_plan.calls
    harness.turn()
    assert [line for line, _ in harness.errors] == list(range(1, 11))
    assert harness.crash_plan.calls - calls < 5


def test_what_is_said_of_a_line_has_an_end() -> None:
    harness = Harness(b'{"%b":1}\n' % (b"n" * 100_000))
    harness.turn()
    assert harness.transfer.problem is not None
    details: Any = harness.transfer.problem.details
    problems = details["errors"]
    assert len(problems[0].message) == 300


def test_a_line_that_is_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_LINE_BYTES", 40)
    harness = Harness(numbered(2) + file_of(("long", "a" * 40)) + numbered(2))
    harness.turn()
    assert harness.errors == [(3, "PAYLOAD_TOO_LARGE")]


def test_a_file_that_is_replaced_while_it_is_imported_is_noticed() -> None:
    harness = Harness(numbered(30))
    harness.write(chunks=2)
    assert harness.transfer.keys == 2 * CHUNK_KEYS
    before = harness.texts()
    harness.files.files[NAME] = numbered(31)

    assert harness.turn()

    assert harness.transfer.status is TransferStatus.FAILED
    assert harness.transfer.problem is not None
    assert harness.transfer.problem.details == {"reason": "file_changed"}
    assert harness.texts() == before


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> str:
    """The text of a value that does not fit the table."""
    monkeypatch.setattr(versions, "MAX_INLINE_BYTES", 100)
    return '"' + "".join(random.Random(1).choices("0123456789abcdef", k=2_000)) + '"'


def test_a_value_that_does_not_fit_the_table_stands_in_an_object_before_its_item_names_it(large: str) -> None:
    harness = Harness(f'{{"key":"a","value":{large}}}\n{{"key":"b","value":1}}'.encode())
    harness.write(chunks=0)
    # The object is there, the item is not: its worker has died between the two.
    harness.crash_plan.after_next["put_value"] = die
    with suppress(ProcessCrashed):
        harness.turn()
    assert (list(harness.files.values.values()), harness.texts()) == ([large.encode()], {})

    harness.finish()

    stored = harness.values.versions["a"]
    assert harness.files.values[f"n1/{stored.object_id}"] == large.encode()
    # The one from before waits to be named, and goes by itself.
    assert len(harness.files.values) == 2


def test_the_objects_of_a_chunk_that_was_not_written_are_removed(large: str) -> None:
    harness = Harness(f'{{"key":"a","value":{large}}}'.encode())
    harness.write(chunks=0)
    # While the object is stored, another worker imports all of it.
    harness.crash_plan.after_next["put_value"] = harness.turn

    harness.turn()
    harness.finish()

    assert list(harness.files.values) == [f"n1/{harness.values.versions['a'].object_id}"]


def growth(*keys: str) -> int:
    return sum(stored_bytes(key, 1, None) for key in keys)


def test_an_import_stops_where_the_plans_storage_is_used_up_and_keeps_what_it_has_written() -> None:
    entries = [(f"k{number}", 1) for number in range(10)]
    room = growth(*(key for key, _ in entries[:CHUNK_KEYS]))
    harness = Harness(file_of(*entries), counted=Counted(stored=1_000, storage=1_000 + room))

    assert harness.turn()

    assert harness.transfer.status is TransferStatus.FAILED
    assert harness.transfer.problem is not None
    assert (harness.transfer.problem.code, harness.transfer.problem.details) == (
        "PAYLOAD_TOO_LARGE",
        {"reason": "storage_quota"},
    )
    assert sorted(harness.texts()) == [key for key, _ in entries[:CHUNK_KEYS]]
    assert harness.transfer.keys == CHUNK_KEYS


def test_an_import_that_replaces_as_much_needs_no_room() -> None:
    entries = [(f"k{number}", 1) for number in range(10)]
    harness = Harness(file_of(*entries), counted=Counted(stored=2_000, storage=1_000))
    for key, _ in entries:
        harness.values.versions[key] = Version(key, "2", 1, "old", 1, 1)
    harness.turn()
    assert harness.transfer.status is TransferStatus.DONE


def test_what_others_store_meanwhile_counts_too() -> None:
    harness = Harness(numbered(10), counted=Counted(stored=0, storage=1_000))
    harness.write(chunks=1)
    assert harness.transfer.keys == CHUNK_KEYS
    harness.counted.stored = 1_000
    harness.turn()
    assert harness.transfer.status is TransferStatus.FAILED


@given(st.integers(0, 14), st.dictionaries(st.integers(1, 60), st.booleans(), max_size=6))
def test_every_line_is_written_once_wherever_workers_die(count: int, deaths: dict[int, bool]) -> None:
    harness = Harness(numbered(count))
    for call, is_done in deaths.items():
        (harness.crash_plan.after if is_done else harness.crash_plan.before)[call] = die

    harness.finish()

    assert harness.transfer.status is TransferStatus.DONE
    assert sorted(harness.values.written) == sorted(f"k{number}" for number in range(count))
    assert (harness.transfer.keys, harness.transfer.bytes) == (count, len(numbered(count)))


@given(st.integers(0, 14), st.integers(1, 40), st.integers(1, 6), st.booleans())
def test_every_line_is_written_once_when_workers_meet(count: int, call: int, steps: int, other_dies: bool) -> None:  # noqa: FBT001
    harness = Harness(numbered(count))

    def meet() -> None:
        """Another worker does a turn between two calls of the first one's, which then goes on as if nothing were."""
        if other_dies:
            harness.crash_plan.after[harness.crash_plan.calls + 2 * steps] = die
        with suppress(ProcessCrashed):
            harness.turn(steps)

    harness.crash_plan.before[call] = meet
    # What the first one says is not heard where the other was faster; both have asked for the next turn.
    harness.finish()

    assert harness.transfer.status is TransferStatus.DONE
    assert sorted(harness.values.written) == sorted(f"k{number}" for number in range(count))


@given(st.integers(1, 60), st.integers(1, 60))
def test_what_a_client_writes_meanwhile_is_never_written_over_by_a_repetition(call: int, death: int) -> None:
    harness = Harness(numbered(10))
    mine: dict[str, Version] = {}

    def overwrite() -> None:
        """A client replaces everything that was imported by now."""
        for key in sorted(set(harness.values.written)):
            mine[key] = harness.values.versions[key] = Version(key, '"mine"', 6, "mine", NOW_MS, NOW_MS)

    harness.crash_plan.after[call] = overwrite
    harness.crash_plan.before[death] = die
    harness.finish()

    assert all(harness.values.versions[key] == version for key, version in mine.items())
    assert len(harness.values.versions) == 10


def test_an_import_that_was_canceled_writes_nothing_more() -> None:
    harness = Harness(numbered(10))
    harness.write(chunks=1)
    before = harness.texts()
    assert len(before) == CHUNK_KEYS
    harness.crash_plan.after_next["heads"] = lambda: harness.transfer_store.cancel(
        replace(harness.transfer, status=TransferStatus.CANCELED)
    )

    assert not harness.turn()

    assert harness.turn()
    assert harness.transfer.status is TransferStatus.CANCELED
    assert harness.texts() == before


def test_a_chunk_that_others_keep_writing_too_is_left_to_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness(numbered(2))
    harness.write(chunks=0)

    def contended(*_: object) -> None:
        raise TransactionConflict

    with monkeypatch.context() as patch:
        patch.setattr(harness.transfer_store, "save", contended)
        assert not harness.turn()
    harness.finish()
    assert len(harness.texts()) == 2
