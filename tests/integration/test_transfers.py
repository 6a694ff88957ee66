"""Exports and imports on the real table and bucket, by workers that crash after any call or are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.operations.queues.redrive import redrive
from kv_common import account_tombstones, dynamodb, s3
from kv_common.clock import now_ms
from kv_common.errors import Conflict, NotFound, RateLimited, Unauthorized
from kv_common.events.consumer import Consumer
from kv_service.background import job_handlers
from kv_service.jobs.model import Job, JobKind
from kv_service.namespaces.model import Namespace
from kv_service.persistence import NamespaceStore
from kv_service.persistence.transfers import MAX_A_DAY
from kv_service.transfers import exporter, importer, ndjson
from kv_service.transfers.model import TransferStatus
from tests.support.crashing_client import CrashingClient, ProcessCrashed
from tests.support.kv_process import enter
from tests.support.queues import paused_queue
from tests.support.transfers import TransferHarness, Worker, new_transfer_harness, version
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.local.environment import LocalEnvironment
    from kv_service.values.model import Version

TEXTS = [
    "1",
    "-0",
    "1.0",
    '"é"',
    '{ "b":1.00, "a" : [ ] }',
    '{\n\t"a": "\\ud800",\r\n "a": null }',
    '"' + "x" * 2_000 + '"',
]
KILLS = 25


@pytest.fixture(scope="module", autouse=True)
def _nobody_else(local: LocalEnvironment) -> Iterator[None]:
    with paused_queue(local, "kv-jobs"):
        yield


@cache
def clients(_: LocalEnvironment) -> list[tuple[Any, Any]]:
    """Clients of the environment, which are slow to create."""
    return [(module, module.client()) for module in (dynamodb, s3)]


@pytest.fixture(autouse=True)
def _kv(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(local, "kv", monkeypatch)
    for module, client in clients(local):
        monkeypatch.setattr(module, "client", lambda client=client: client)
    monkeypatch.setenv("IN_FLIGHT_GRACE_S", "0")
    # Small steps, so that there are several of each kind.
    monkeypatch.setattr(exporter, "_LEAST_PART", 700)
    monkeypatch.setattr(importer, "_CHUNK_KEYS", 5)
    monkeypatch.setattr(importer, "_BLOCK_BYTES", 1_500)


@pytest.fixture
def harness() -> TransferHarness:
    return new_transfer_harness()


@pytest.fixture
def worker(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], tuple[Worker, list[str]]]:
    """Create a worker that crashes after `most` calls; return it with its list of calls."""

    def make(most: int) -> tuple[Worker, list[str]]:
        calls: list[str] = []
        with monkeypatch.context() as patch:
            for module, client in clients(local):
                patch.setattr(module, "client", lambda client=client: CrashingClient(client, calls, most))
            return Worker(), calls

    return make


def some(count: int) -> list[Version]:
    """Values of all kinds, sorted by key."""
    expiry, metadata = now_ms() // 1000 + 3_600, '{"by":"é"}'
    return [
        version(
            f"k{number:03}",
            TEXTS[number % len(TEXTS)],
            expires_at_s=expiry if number % 3 == 0 else None,
            metadata=metadata if number % 2 else None,
        )
        for number in range(count)
    ]


def file_of(versions: list[Version]) -> bytes:
    return b"".join(ndjson.write(one) for one in versions)


def test_export_is_the_same_file_wherever_its_worker_crashes(
    harness: TransferHarness, worker: Callable[[int], tuple[Worker, list[str]]]
) -> None:
    versions = some(12)
    harness.put(*versions, version("expired", "1", expires_at_s=now_ms() // 1000))
    died, most = True, 0
    while died:
        transfer = harness.export()
        mortal, calls = worker(most)
        try:
            mortal.finish(harness.account_id, transfer.id)
            died = False
        except ProcessCrashed:
            Worker().finish(harness.account_id, transfer.id)
        assert harness.result(transfer) == file_of(versions), f"after {most} calls"
        state = harness.state(transfer)
        assert (state.status, state.keys, state.size) == (TransferStatus.DONE, 12, len(file_of(versions)))
        most += 1
    assert {"complete_multipart_upload", "query", "transact_write_items", "update_item", "upload_part"} <= set(calls)
    assert calls.count("upload_part") > 2


def test_import_writes_every_line_once_wherever_its_worker_crashes(
    worker: Callable[[int], tuple[Worker, list[str]]],
) -> None:
    versions = some(12)
    died, most = True, 0
    while died:
        harness = new_transfer_harness()
        transfer = harness.import_(file_of(versions))
        mortal, calls = worker(most)
        mine: dict[str, str | None] = {}
        try:
            mortal.finish(harness.account_id, transfer.id)
            died = False
        except ProcessCrashed:
            # A client overwrites an imported key; it must not be imported again.
            mine = dict.fromkeys(harness.versions(), '"mine"')
            harness.put(*(version(key, '"mine"') for key in mine))
            Worker().finish(harness.account_id, transfer.id)
        found = {key: one.text for key, one in harness.versions().items()}
        assert found == {one.key: one.text for one in versions} | mine, f"after {most} calls"
        state = harness.state(transfer)
        assert (state.status, state.keys, state.bytes) == (TransferStatus.DONE, 12, len(file_of(versions)))
        most += 1
    assert {"batch_get_item", "get_object", "transact_write_items", "update_item"} <= set(calls)
    assert calls.count("transact_write_items") > 3


def test_imported_export_equals_the_original_except_for_timestamps(harness: TransferHarness) -> None:
    versions = some(2 * len(TEXTS))
    harness.put(*versions)
    exported = harness.export()
    Worker().finish(harness.account_id, exported.id)
    other = new_transfer_harness()
    imported = other.import_(harness.result(exported))
    Worker().finish(other.account_id, imported.id)

    def all_but_times(where: TransferHarness) -> list[tuple[str, str | None, int, int | None, str | None]]:
        found = where.versions().values()
        return [(one.key, one.text, one.size, one.expires_at_s, one.metadata) for one in found]

    assert all_but_times(other) == all_but_times(harness)
    assert [one.key for one in versions] == list(other.versions())


def test_workers_killed_at_random_lose_and_duplicate_nothing(harness: TransferHarness) -> None:
    def live_and_die(where: TransferHarness, transfer_id: str) -> int:
        arguments = [where.account_id, transfer_id, str(KILLS), "7"]
        command = [sys.executable, "-m", "tests.support.crash_worker", *arguments]
        root = Path(__file__).parents[2]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=root)
        interrupted: int = json.loads(done.stdout)["interrupted"]
        return interrupted

    versions = some(60)
    harness.put(*versions)
    exported = harness.export()
    assert live_and_die(harness, exported.id) > 0
    assert harness.result(exported) == file_of(versions)

    other = new_transfer_harness()
    imported = other.import_(file_of(versions))
    assert live_and_die(other, imported.id) > 0
    assert {key: one.text for key, one in other.versions().items()} == {one.key: one.text for one in versions}
    assert other.state(imported).keys == 60


def test_one_of_several_concurrent_exports_runs(harness: TransferHarness) -> None:
    def begin(_: int) -> str:
        try:
            harness.export()
        except Conflict as refusal:
            return str(refusal.details["reason"])
        return "begun"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(begin, range(8))) == ["begun"] + ["job_running"] * 7
    # An import may run in parallel; the next export starts when the first has ended.
    harness.import_(b"")
    [running] = [one for one in harness.transfers.newest(harness.account_id) if one.kind is JobKind.EXPORT]
    Worker().finish(harness.account_id, running.id)
    harness.transfers.delete(harness.account_id, harness.export().id)
    harness.export()


def test_imports_per_day_are_limited(harness: TransferHarness) -> None:
    for _ in range(MAX_A_DAY[JobKind.IMPORT]):
        harness.transfers.delete(harness.account_id, harness.import_(b"").id)

    with pytest.raises(RateLimited) as refusal:
        harness.import_(b"")

    assert refusal.value.details["reason"] == "jobs_per_day"
    assert 0 < int(refusal.value.headers["Retry-After"]) <= 86_400
    harness.export()


def test_dead_lettered_job_continues_after_a_redrive(local: LocalEnvironment, harness: TransferHarness) -> None:
    harness.put(*some(3))
    sqs = local.aws_client("sqs")
    queue = sqs.get_queue_url(QueueName="kv-local-kv-jobs")["QueueUrl"]
    transfer = harness.export()

    def message() -> Any:
        """Wait for the job's message and return it; messages of other tests are hidden for a second."""
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=1).get("Messages", [])
        return next((one for one in found if transfer.id in one["Body"]), None)

    given_up = await_value(message, within=20)
    sqs.send_message(QueueUrl=f"{queue}-dlq", MessageBody=given_up["Body"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=given_up["ReceiptHandle"])
    assert harness.state(transfer).status is TransferStatus.RUNNING
    with pytest.raises(Conflict, match="not finished"):
        harness.export()

    assert redrive(sqs, "local", "kv-jobs", lambda _: None) == 1
    again = await_value(message, within=20)
    batch = {"Records": [{"messageId": "1", "body": again["Body"]}]}
    assert Consumer("kv", job_handlers()).consume(batch) == {"batchItemFailures": []}

    assert harness.state(transfer).status is TransferStatus.DONE
    assert harness.result(transfer) == file_of(list(harness.versions().values()))


def test_canceled_import_stops_and_the_next_one_starts(harness: TransferHarness) -> None:
    transfer = harness.import_(file_of(some(3)))
    harness.transfers.delete(harness.account_id, transfer.id)
    Worker().finish(harness.account_id, transfer.id)
    assert harness.versions() == {}
    assert harness.state(transfer).status is TransferStatus.CANCELED
    again = harness.import_(file_of(some(3)))
    Worker().finish(harness.account_id, again.id)
    assert len(harness.versions()) == 3


def test_import_writes_nothing_into_a_namespace_being_deleted(
    harness: TransferHarness, worker: Callable[[int], tuple[Worker, list[str]]]
) -> None:
    transfer = harness.import_(file_of(some(12)))
    mortal, calls = worker(1_000)
    namespaces = NamespaceStore(dynamodb.client(), _table(), now_ms=now_ms)
    [namespace] = namespaces.all(harness.account_id)
    delete = Job(harness.account_id, namespace.id, JobKind.DELETE_NAMESPACE, "app", 0, "c-1")
    real = importer.Imports._growth

    def delete_meanwhile(self: importer.Imports, *arguments: Any) -> int:
        """Delete the namespace when the second chunk is about to be written."""
        growth = real(self, *arguments)
        if len(harness.versions()) == 5:
            namespaces.close(harness.account_id, Namespace("app", namespace.id, 0), delete)
            Worker().finish(harness.account_id, namespace.id)
        return growth

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer.Imports, "_growth", delete_meanwhile)
        mortal.finish(harness.account_id, transfer.id)

    assert "transact_write_items" in calls
    assert harness.versions() == {}
    assert harness.transfers.newest(harness.account_id) == []
    with pytest.raises(NotFound):
        harness.export()


def test_closed_account_starts_no_job(harness: TransferHarness) -> None:
    waiting = harness.transfers.begin_import(harness.account_id, "app", correlation_id="c-1")
    account_tombstones.write_tombstone(dynamodb.client(), _table(), harness.account_id, now_s=now_ms() / 1000)
    with pytest.raises(Unauthorized):
        harness.export()
    harness.transfers.end_all(harness.account_id, [harness.space.namespace_id])
    with pytest.raises(NotFound):
        harness.transfers.start(harness.account_id, waiting.id)


def _table() -> str:
    return os.environ["TABLE"]
