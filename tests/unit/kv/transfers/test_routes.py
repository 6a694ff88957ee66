"""The routes of exports and imports, with fakes for all that is outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from kv_service.jobs.model import JobKind
from kv_service.namespaces.model import Namespace, NamespaceStatus
from kv_service.transfers.model import ExportProgress, Problem, TransferJob, TransferStatus
from tests.unit.common.gateway import error_of
from tests.unit.kv.fakes import ACCOUNT, NOW_MS
from tests.unit.kv.test_api import Harness
from tests.unit.kv.transfers.fakes import JOB_ID, SETTINGS, running

NOW = "2026-11-20T12:00:00.250Z"
IN_AN_HOUR = "2026-11-20T13:00:00.250Z"


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.namespace_store.namespaces[ACCOUNT, "settings"] = SETTINGS
    return harness


def ask(harness: Harness, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
    response = harness.ask_as_owner(method, path, body)
    return response["statusCode"], json.loads(response["body"]) if response["body"] else None


def have(harness: Harness, transfer: TransferJob) -> str:
    harness.transfer_store.begin(transfer)
    return f"/v1/jobs/{transfer.id}"


def test_an_export_is_begun_and_runs(harness: Harness) -> None:
    status, job = ask(harness, "POST", "/v1/namespaces/settings/exports")

    assert status == 202
    [transfer] = harness.transfer_store.transfers.values()
    assert (transfer.namespace_id, transfer.expires_at_s) == ("n1", None)
    assert job == {
        "id": transfer.id,
        "kind": "export",
        "namespace": "settings",
        "status": "running",
        "created_at": NOW,
        "updated_at": NOW,
        "keys": 0,
        "bytes": 0,
    }
    assert ask(harness, "GET", f"/v1/jobs/{transfer.id}") == (200, job)


def test_an_import_waits_for_its_file_and_says_where_to_put_it(harness: Harness) -> None:
    status, job = ask(harness, "POST", "/v1/namespaces/settings/imports", "{}")

    assert (status, job["status"], job["kind"]) == (201, "waiting", "import")
    assert job["upload"] == {
        "url": f"https://bucket/n1/{job['id']}.upload?expires=3600",
        "method": "PUT",
        "expires_at": IN_AN_HOUR,
        "headers": {"Content-Type": "application/x-ndjson"},
    }
    # Who has let the link expire gets a new one.
    assert ask(harness, "GET", f"/v1/jobs/{job['id']}") == (200, job)
    # And who never comes back does not keep others from importing for good.
    assert harness.transfer_store.transfers[job["id"]].expires_at_s == NOW_MS // 1000 + 7 * 86_400


def test_an_import_starts_when_its_file_is_there_and_only_once(harness: Harness) -> None:
    _, job = ask(harness, "POST", "/v1/namespaces/settings/imports")
    path = f"/v1/jobs/{job['id']}/start"
    status, refusal = ask(harness, "POST", path)
    assert (status, refusal["error"]["details"]) == (409, {"reason": "not_uploaded"})

    harness.files.files[f"n1/{job['id']}.upload"] = b"{}"
    status, started = ask(harness, "POST", path)
    assert (status, started["status"]) == (202, "running")
    assert "upload" not in started
    assert harness.transfer_store.transfers[job["id"]].size == 2
    assert harness.transfer_store.transfers[job["id"]].expires_at_s is None

    status, refusal = ask(harness, "POST", path)
    assert (status, refusal["error"]["details"]) == (409, {"reason": "not_waiting"})


def test_an_export_that_is_done_has_a_link_to_its_file(harness: Harness) -> None:
    path = have(harness, running(JobKind.EXPORT, status=TransferStatus.DONE, keys=2, bytes=90, size=90))
    _, job = ask(harness, "GET", path)
    url = f"https://bucket/n1/{JOB_ID}.ndjson?expires=3600"
    assert job["result"] == {"url": url, "expires_at": IN_AN_HOUR, "size": 90}
    assert (job["keys"], job["bytes"]) == (2, 90)


def test_an_import_that_is_done_has_no_link_and_says_what_it_skipped(harness: Harness) -> None:
    path = have(harness, running(JobKind.IMPORT, status=TransferStatus.DONE, skipped=3))
    _, job = ask(harness, "GET", path)
    assert job["skipped"] == 3
    assert not {"result", "upload"} & set(job)


def test_a_job_that_failed_says_why(harness: Harness) -> None:
    problem = Problem("PAYLOAD_TOO_LARGE", "Full.", {"reason": "storage_quota"})
    path = have(harness, running(JobKind.IMPORT, status=TransferStatus.FAILED, problem=problem))
    _, job = ask(harness, "GET", path)
    assert job["error"] == {"code": "PAYLOAD_TOO_LARGE", "message": "Full.", "details": {"reason": "storage_quota"}}


def test_jobs_are_listed_from_the_newest(harness: Harness) -> None:
    assert ask(harness, "GET", "/v1/jobs") == (200, {"jobs": []})
    for number in range(3):
        have(harness, running(JobKind.EXPORT, id=f"{number:012}"))
    have(harness, running(JobKind.EXPORT, id="9" * 12, account_id="another"))
    _, listed = ask(harness, "GET", "/v1/jobs")
    assert [job["id"] for job in listed["jobs"]] == [f"{number:012}" for number in (2, 1, 0)]


@pytest.mark.parametrize("status", [TransferStatus.WAITING, TransferStatus.RUNNING])
def test_deleting_cancels_a_job_that_is_not_finished(harness: Harness, status: TransferStatus) -> None:
    progress = ExportProgress(harness.files.begin("n1", JOB_ID))
    path = have(harness, running(JobKind.EXPORT, status=status, progress=progress))
    harness.files.files[f"n1/{JOB_ID}.upload"] = b"1"

    assert ask(harness, "DELETE", path) == (204, None)

    _, job = ask(harness, "GET", path)
    assert job["status"] == "canceled"
    assert (harness.files.files, harness.files.uploads) == ({}, {})


def test_deleting_forgets_a_job_that_is_finished_with_its_file(harness: Harness) -> None:
    path = have(harness, running(JobKind.EXPORT, status=TransferStatus.DONE, size=1))
    harness.files.files[f"n1/{JOB_ID}.ndjson"] = b"1"

    assert ask(harness, "DELETE", path) == (204, None)

    assert ask(harness, "GET", path)[0] == 404
    assert ask(harness, "DELETE", path)[0] == 404
    assert harness.files.files == {}


def test_deleting_a_job_that_ends_at_that_moment_does_not_forget_what_came_of_it(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = have(harness, running(JobKind.EXPORT))
    seen = harness.transfer_store.transfers[JOB_ID]
    harness.transfer_store.begin(replace(seen, status=TransferStatus.DONE, size=1))
    with monkeypatch.context() as patch:
        patch.setattr(harness.transfer_store, "get", lambda *_: seen)
        status, refusal = ask(harness, "DELETE", path)
    assert (status, refusal["error"]["details"]) == (409, {"reason": "job_changed"})
    assert ask(harness, "GET", path)[1]["status"] == "done"


@pytest.mark.parametrize("job", ["000000000009", "0", "x" * 2_000, "..", "%F0%9F%92%A9"])
@pytest.mark.parametrize(("method", "after"), [("GET", ""), ("DELETE", ""), ("POST", "/start")])
def test_a_job_that_is_not_there_is_not_found(harness: Harness, job: str, method: str, after: str) -> None:
    assert ask(harness, method, f"/v1/jobs/{job}{after}")[0] == 404


def test_another_accounts_job_is_not_found(harness: Harness) -> None:
    path = have(harness, running(JobKind.EXPORT, account_id="another"))
    for method, after in (("GET", ""), ("DELETE", ""), ("POST", "/start")):
        assert ask(harness, method, path + after)[0] == 404
    assert len(harness.transfer_store.transfers) == 1


@pytest.mark.parametrize("kind", ["exports", "imports"])
def test_a_namespace_that_is_not_there_or_goes_has_no_jobs(harness: Harness, kind: str) -> None:
    harness.namespace_store.namespaces[ACCOUNT, "going"] = Namespace("going", "n2", NOW_MS, NamespaceStatus.DELETING)
    for name in ("missing", "going"):
        status, refusal = ask(harness, "POST", f"/v1/namespaces/{name}/{kind}")
        assert (status, refusal["error"]["details"]) == (404, {"resource": "namespace"})
    assert ask(harness, "POST", f"/v1/namespaces/-/{kind}")[0] == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/namespaces/settings/exports"),
        ("POST", "/v1/namespaces/settings/imports"),
        ("POST", f"/v1/jobs/{JOB_ID}/start"),
        ("GET", f"/v1/jobs/{JOB_ID}"),
        ("GET", "/v1/jobs"),
        ("DELETE", f"/v1/jobs/{JOB_ID}"),
    ],
)
def test_the_routes_take_a_session_and_neither_a_key_nor_what_they_do_not_know(
    harness: Harness, method: str, path: str
) -> None:
    assert error_of(harness.ask(method, path))["code"] == "UNAUTHORIZED"
    assert ask(harness, method, path, '{"prefix": "a"}')[0] == 400
    assert ask(harness, method, path, "[]")[0] == 400
    assert harness.transfer_store.transfers == {}


def test_the_transfers_of_a_namespace_end_with_it_and_no_others(harness: Harness) -> None:
    progress = ExportProgress(harness.files.begin("n1", "0" * 12))
    have(harness, running(JobKind.EXPORT, id="0" * 12, progress=progress))
    have(harness, running(JobKind.IMPORT, id="1" * 12, status=TransferStatus.DONE))
    have(harness, running(JobKind.IMPORT, id="2" * 12, namespace_id="n2"))
    have(harness, running(JobKind.IMPORT, id="3" * 12, account_id="another"))

    for _ in range(2):
        harness.kv.transfers().end_all(ACCOUNT, ["n1"])

    assert sorted(harness.transfer_store.transfers) == ["2" * 12, "3" * 12]
    assert harness.files.uploads == {}
