"""Exports: wherever workers die, stall or meet each other, the file holds every key once."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kv_common.errors import Unavailable
from kv_service.jobs.model import Job, JobKind
from kv_service.transfers import exporter, ndjson
from kv_service.transfers.exporter import Exports
from kv_service.transfers.model import TransferStatus, job_of
from kv_service.values.model import Version
from tests.unit.kv.fakes import NOW_MS
from tests.unit.kv.transfers.fakes import (
    JOB_ID,
    CrashPlan,
    FakeBulkStore,
    FakeTransferFiles,
    FakeTransferStore,
    FakeValueReader,
    ProcessCrashed,
    die,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kv_service.transfers.model import TransferJob

LEAST_PART = 300


def versions(count: int) -> list[Version]:
    return [Version(f"k{number:02}", str(number), len(str(number)), "e", NOW_MS, NOW_MS) for number in range(count)]


@pytest.fixture(autouse=True, scope="module")
def _small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "_LEAST_PART", LEAST_PART)
        yield


class Harness:
    """An export that runs over what is in memory."""

    def __init__(self, found: list[Version]) -> None:
        self.crash_plan = CrashPlan()
        self.values = FakeBulkStore(self.crash_plan, found)
        self.transfer_store = FakeTransferStore(self.crash_plan, self.values)
        self.files = FakeTransferFiles(self.crash_plan, LEAST_PART)
        self.whole = FakeValueReader(self.values)
        self.exports = Exports(self.transfer_store, self.values, self.whole, self.files, now_ms=lambda: NOW_MS)
        self.transfer_store.begin(running(JobKind.EXPORT))
        self.expected = b"".join(ndjson.write(one) for one in sorted(found, key=lambda one: one.key))

    @property
    def transfer(self) -> TransferJob:
        return self.transfer_store.transfers[JOB_ID]

    @property
    def job(self) -> Job:
        return job_of(self.transfer)

    def turn(self, steps: int = 1_000) -> bool:
        """Do a turn that has time for so many steps."""
        left = iter(range(steps - 1))
        return self.exports.turn(self.job, lambda: next(left, None) is not None)

    def finish(self) -> None:
        """Do turns until the job is finished; after a worker that dies comes another."""
        for _ in range(100):
            with suppress(ProcessCrashed):
                if self.turn():
                    return
        raise AssertionError("it does not come to an end")

    def file(self) -> bytes:
        assert self.transfer.status is TransferStatus.DONE
        return self.files.files[f"n1/{JOB_ID}.ndjson"]


def test_a_namespace_is_exported_in_the_order_of_its_keys() -> None:
    harness = Harness(versions(20))

    assert harness.turn()

    assert harness.file() == harness.expected
    assert (harness.transfer.keys, harness.transfer.bytes) == (20, len(harness.expected))
    assert harness.transfer.size == len(harness.expected)
    assert harness.transfer.expires_at_s == NOW_MS // 1000 + 7 * 86_400


def test_an_empty_namespace_gives_an_empty_file() -> None:
    harness = Harness([])
    assert harness.turn()
    assert (harness.file(), harness.transfer.keys, harness.transfer.size) == (b"", 0, 0)


def test_what_has_expired_is_left_out_and_large_values_are_in() -> None:
    live, expired = replace(versions(1)[0], expires_at_s=NOW_MS // 1000 + 1), replace(versions(2)[1], expires_at_s=9)
    large = replace(versions(3)[2], text=None, object_id="object")
    harness = Harness([live, expired, large])

    harness.turn()

    assert harness.file() == ndjson.write(live) + ndjson.write(replace(large, text='"object"'))


def test_a_value_that_is_replaced_or_deleted_while_it_is_read_is_exported_as_it_is_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replaced, deleted = (replace(one, text=None, object_id=f"old {one.key}") for one in versions(2))
    harness = Harness([replaced, deleted])
    harness.whole.gone = {"old k00", "old k01"}
    now = replace(replaced, text=None, object_id="new")
    monkeypatch.setattr(harness.whole, "get", lambda _space, key: now if key == "k00" else None)

    harness.turn()

    assert harness.file() == ndjson.write(replace(now, text='"new"'))


def test_a_value_that_cannot_be_caught_up_with_is_tried_again_later() -> None:
    harness = Harness([replace(versions(1)[0], text=None, object_id="gone")])
    harness.whole.gone = {"gone"}
    with pytest.raises(Unavailable):
        harness.turn()


def test_a_turn_that_is_over_is_gone_on_with_where_it_stopped() -> None:
    harness = Harness(versions(20))
    turns = 1
    while not harness.turn(steps=1):
        assert harness.transfer.keys == min(20, turns * 3)
        turns += 1

    assert harness.file() == harness.expected
    assert turns == 8


@given(st.integers(0, 12), st.dictionaries(st.integers(1, 40), st.booleans(), max_size=6))
def test_nothing_is_lost_or_doubled_wherever_workers_die(count: int, deaths: dict[int, bool]) -> None:
    harness = Harness(versions(count))
    for call, is_done in deaths.items():
        (harness.crash_plan.after if is_done else harness.crash_plan.before)[call] = die

    harness.finish()

    assert harness.file() == harness.expected
    assert (harness.transfer.keys, harness.transfer.bytes) == (count, len(harness.expected))


@given(st.integers(0, 12), st.integers(1, 20), st.integers(1, 4), st.booleans())
def test_nothing_is_lost_or_doubled_when_workers_meet(count: int, call: int, steps: int, other_dies: bool) -> None:  # noqa: FBT001
    harness = Harness(versions(count))

    def meet() -> None:
        """Another worker does a turn between two calls of the first one's, which then goes on as if nothing were."""
        if other_dies:
            harness.crash_plan.after[harness.crash_plan.calls + 2 * steps] = die
        with suppress(ProcessCrashed):
            harness.turn(steps)

    harness.crash_plan.before[call] = meet
    harness.finish()

    assert harness.file() == harness.expected
    assert (harness.transfer.keys, harness.transfer.bytes) == (count, len(harness.expected))


@given(st.integers(1, 12), st.integers(1, 20), st.integers(1, 4), st.integers(0, 300))
def test_parts_of_workers_that_meet_are_never_mixed(count: int, call: int, steps: int, length: int) -> None:
    harness = Harness(versions(count))

    def meet() -> None:
        """Every value changes, so that another worker cuts the parts elsewhere than the first one does."""
        text = '"' + "x" * length + '"'
        for one in versions(count):
            harness.values.write(replace(one, text=text, size=len(text)))
        harness.turn(steps)

    harness.crash_plan.before[call] = meet
    harness.finish()

    found = [json.loads(line)["key"] for line in harness.file().splitlines()]
    assert found == [one.key for one in versions(count)]
    assert (harness.transfer.keys, harness.transfer.bytes) == (count, len(harness.file()))


def test_an_upload_that_has_expired_is_begun_anew() -> None:
    harness = Harness(versions(20))
    harness.turn(steps=2)
    assert harness.transfer.keys == 6
    harness.files.uploads.clear()

    assert not harness.turn()
    assert harness.transfer.keys == 0
    harness.finish()

    assert harness.file() == harness.expected


def test_an_export_that_was_canceled_stops_at_its_next_step() -> None:
    harness = Harness(versions(20))
    harness.crash_plan.after_next["put_part"] = lambda: harness.transfer_store.cancel(
        replace(harness.transfer, status=TransferStatus.CANCELED)
    )

    assert not harness.turn()
    assert harness.turn()

    assert harness.transfer.status is TransferStatus.CANCELED
    assert harness.files.files == {}


def test_an_export_of_a_namespace_that_is_gone_stops() -> None:
    harness = Harness(versions(20))
    job = harness.job
    harness.crash_plan.after_next["put_part"] = harness.transfer_store.transfers.clear
    assert not harness.exports.turn(job, lambda: True)
    assert harness.exports.turn(job, lambda: True)


def test_a_namespace_of_more_parts_than_a_file_can_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "MAX_PARTS", 4)
    harness = Harness(versions(20))

    assert harness.turn()

    assert harness.transfer.status is TransferStatus.FAILED
    assert harness.transfer.problem is not None
    assert harness.transfer.problem.details == {"reason": "export_size"}
    assert harness.files.uploads == {}


def test_parts_grow_so_that_a_hundred_gigabytes_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(exporter, "_LEAST_PART", 5 * 2**20)
    assert exporter.part_bytes(1) == 5 * 2**20
    assert sum(exporter.part_bytes(number) for number in range(1, exporter.MAX_PARTS)) > 200 * 10**9
    assert max(exporter.part_bytes(number) for number in range(1, exporter.MAX_PARTS)) == 32 * 2**20
