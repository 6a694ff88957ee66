"""Exports and imports over HTTP: a namespace is copied from one account to another, byte for byte."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kv_service.values.model import MAX_VALUE_BYTES
from tests.support.tenant import sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

PLAIN = 3_000
LATER = "2099-12-31T23:59:59.000Z"
PRETTY = '{\r\n\t"a" : 1.00,\n "a": [ -0, 1e400, "\\ud800", "é\\n" ]\n}'


def large() -> str:
    """The text of an incompressible value of maximum size."""
    return '"' + random.Random(1).randbytes(MAX_VALUE_BYTES // 2 - 1).hex() + '"'


def ask(tenant: Tenant, method: str, path: str) -> Any:
    response = tenant.http.request(method, path, headers=tenant.bearer)
    assert response.status_code in (200, 201, 202), response.text
    return response.json()


def finished(tenant: Tenant, job: Any) -> Any:
    def look() -> Any:
        shown = ask(tenant, "GET", f"/v1/jobs/{job['id']}")
        return shown if shown["status"] not in ("waiting", "running") else None

    return await_value(look, within=60, pause=0.2)


def imported(tenant: Tenant, namespace: str, file: bytes) -> Any:
    job = ask(tenant, "POST", f"/v1/namespaces/{namespace}/imports")
    upload = job["upload"]
    response = httpx.request(upload["method"], upload["url"], content=file, headers=upload["headers"], trust_env=False)
    assert response.status_code == 200, response.text
    assert ask(tenant, "POST", f"/v1/jobs/{job['id']}/start")["status"] == "running"
    return finished(tenant, job)


def exported(tenant: Tenant, namespace: str) -> tuple[Any, bytes]:
    job = finished(tenant, ask(tenant, "POST", f"/v1/namespaces/{namespace}/exports"))
    assert job["status"] == "done", job
    response = httpx.get(job["result"]["url"], trust_env=False)
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert len(response.content) == job["result"]["size"] == job["bytes"]
    return job, response.content


def listed(tenant: Tenant, namespace: str, key: dict[str, str]) -> list[Any]:
    """All keys of a namespace with their properties, except timestamps and ETags."""
    found: list[Any] = []
    query = {"limit": "1000", "include": "metadata", "consistency": "strong"}
    while True:
        page = tenant.http.get(f"/v1/{namespace}", params=query, headers=key).json()
        found += [
            {name: value for name, value in one.items() if name not in ("created_at", "updated_at", "etag")}
            for one in page["keys"]
        ]
        if "cursor" not in page:
            return found
        query["cursor"] = page["cursor"]


def without_times(file: bytes) -> list[tuple[bytes, bytes]]:
    """The lines of an export without timestamps, each split into the text before and after them."""
    split = [line.split(b',"created_at":"') for line in file.splitlines()]
    return [(before, after[24 + len('","updated_at":"') + 24 :]) for before, after in split]


def test_namespace_is_copied_to_another_account_byte_for_byte(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    tenant.namespace("app")
    key = tenant.key()
    chance = random.Random(7)
    texts = {f"k{number:04}": json.dumps({"n": chance.random(), "s": "é" * (number % 50)}) for number in range(PLAIN)}
    file = "".join(f'{{"key":"{one}","value":{text}}}\n' for one, text in texts.items())
    done = imported(tenant, "app", file.encode())
    assert (done["status"], done["keys"], done["bytes"]) == ("done", PLAIN, len(file.encode())), done
    special = {
        "pretty": {"value": PRETTY},
        "large": {"value": large()},
        "expiring": {"value": '"soon"', "ttl": "3600"},
        "described": {"value": "1.0", "metadata": '{"by":"é"}'},
        "counter": {"value": "9007199254740993"},
    }
    for name, members in special.items():
        body = "{" + ",".join(f'"{member}":{text}' for member, text in members.items()) + "}"
        assert http.put(f"/v1/app/{name}", content=body.encode(), headers=key).status_code == 201
        texts[name] = members["value"]

    job, first = exported(tenant, "app")
    assert job["keys"] == len(texts)
    other = sign_up(local, http, plan="business")
    other.namespace("copy")
    done = imported(other, "copy", first)
    assert (done["status"], done["keys"], done.get("skipped")) == ("done", len(texts), None), done

    others = other.key()
    assert listed(other, "copy", others) == listed(tenant, "app", key)
    for name in [*special, "k0000", "k1234", "k2999"]:
        value = http.get(f"/v1/copy/{name}", headers={**others, "Accept-Encoding": "gzip"}, follow_redirects=True)
        assert value.content == f'{{"value":{texts[name]}}}'.encode(), name
    _, second = exported(other, "copy")
    assert without_times(second) == without_times(first)
    held = {"keys": len(texts), "bytes": sum(len(name) + len(text.encode()) for name, text in texts.items())}
    held["bytes"] += len('{"by":"é"}'.encode())
    await_value(
        lambda: ask(other, "GET", "/v1/namespaces/copy").items() >= held.items(),
        within=20,
    )


def test_invalid_lines_are_reported_and_nothing_is_imported(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    file = b'{"key":"a","value":1}\n{"key":"b"}\n\n{"key":"c d","value":1}\n'
    job = imported(tenant, "app", file)
    assert (job["status"], job["keys"], job["error"]["code"]) == ("failed", 0, "VALIDATION_ERROR")
    details = job["error"]["details"]
    assert (details["reason"], [one["line"] for one in details["errors"]]) == ("invalid_lines", [2, 4])
    assert http.get("/v1/app/a", headers=tenant.key()).status_code == 404


def test_expired_lines_are_skipped_and_later_expiry_is_kept(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    file = "".join(
        f'{{"key":"{name}","value":1,"expires_at":"{moment}"}}\n'
        for name, moment in (("past", "2001-01-01T00:00:00Z"), ("later", LATER))
    )
    job = imported(tenant, "app", file.encode())
    assert (job["status"], job["keys"], job["skipped"]) == ("done", 1, 1)
    response = http.get("/v1/app/later", headers=tenant.key())
    assert response.headers["X-Expires-At"] == LATER


def test_import_stops_at_the_storage_limit(local: LocalEnvironment, http: httpx.Client) -> None:
    tenant = sign_up(local, http, plan="business", storage=200)
    tenant.namespace("app")
    text = '"' + "a" * 198 + '"'
    job = imported(tenant, "app", f'{{"key":"a","value":{text}}}\n'.encode())
    assert (job["status"], job["keys"]) == ("failed", 0)
    assert (job["error"]["code"], job["error"]["details"]["reason"]) == ("PAYLOAD_TOO_LARGE", "storage_quota")


def test_next_job_starts_after_one_is_canceled_or_deleted(tenant: Tenant) -> None:
    tenant.namespace("app")
    job = ask(tenant, "POST", "/v1/namespaces/app/imports")
    path = f"/v1/jobs/{job['id']}"
    again = tenant.http.post("/v1/namespaces/app/imports", headers=tenant.bearer)
    assert (again.status_code, again.json()["error"]["details"]["reason"]) == (409, "job_running")
    early = tenant.http.post(f"{path}/start", headers=tenant.bearer)
    assert (early.status_code, early.json()["error"]["details"]["reason"]) == (409, "not_uploaded")

    assert tenant.http.delete(path, headers=tenant.bearer).status_code == 204
    assert ask(tenant, "GET", path)["status"] == "canceled"
    assert ask(tenant, "GET", "/v1/jobs")["jobs"][0]["id"] == job["id"]
    assert tenant.http.delete(path, headers=tenant.bearer).status_code == 204
    assert ask(tenant, "GET", "/v1/jobs") == {"jobs": []}
    ask(tenant, "POST", "/v1/namespaces/app/imports")


@pytest.mark.parametrize("whole_account", [False, True])
def test_deleting_a_namespace_or_account_deletes_its_jobs_and_files(
    local: LocalEnvironment,
    tenant: Tenant,
    whole_account: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    tenant.namespace("app")
    _, _ = exported(tenant, "app")
    job = ask(tenant, "POST", "/v1/namespaces/app/imports")
    httpx.put(job["upload"]["url"], content=b"{}", trust_env=False)
    [_, namespace_id, _] = httpx.URL(job["upload"]["url"]).path.rsplit("/", 2)

    def files() -> list[str]:
        bucket = httpx.URL(job["upload"]["url"]).path.split("/")[1]
        found = local.aws_client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
        return [one["Key"] for one in found if f"/{namespace_id}/" in one["Key"]]

    assert len(files()) == 2
    path = "/v1/auth/me" if whole_account else "/v1/namespaces/app"
    assert tenant.http.delete(path, headers=tenant.bearer).status_code == 202
    await_value(lambda: files() == [], within=30)
    if not whole_account:
        assert ask(tenant, "GET", "/v1/jobs") == {"jobs": []}
        # The account can start another import in another namespace.
        tenant.namespace("other")
        ask(tenant, "POST", "/v1/namespaces/other/imports")
