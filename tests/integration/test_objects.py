"""The objects of namespaces: pending values, presigned URLs, multipart files, and deletion."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.deploy import buckets
from kv_common import s3
from kv_service.persistence import ObjectStore
from kv_service.storage_usage.object_lifecycle import ObjectTracker
from tests.support.kv_process import enter
from tests.unit.kv.test_objects import record

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from infra.local.environment import LocalEnvironment

PART = 5 * 1024 * 1024


@pytest.fixture
def bucket(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> str:
    return enter(local, "kv", monkeypatch)["OBJECTS_BUCKET"]


@pytest.fixture
def client(bucket: str) -> S3Client:
    assert bucket
    return s3.client()


@pytest.fixture
def store(client: S3Client, bucket: str) -> ObjectStore:
    return ObjectStore(lambda: client, bucket)


@pytest.fixture
def space() -> str:
    return uuid.uuid4().hex[:12]


def keys(client: S3Client, bucket: str, space: str) -> list[str]:
    """The object keys of a namespace, without the namespace's id."""
    listing = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"].replace(f"/{space}/", "/") for one in listing if f"/{space}/" in one["Key"]]


def test_value_object_is_pending_until_it_is_confirmed(
    store: ObjectStore, client: S3Client, bucket: str, space: str
) -> None:
    def tags() -> list[tuple[str, str]]:
        response = client.get_object_tagging(Bucket=bucket, Key=f"values/{space}/one")
        return [(tag["Key"], tag["Value"]) for tag in response["TagSet"]]

    text = os.urandom(1_000_000)
    store.put_value(space, "one", text)
    assert tags() == [("state", "pending")]
    assert store.get_value(space, "one") == text

    store.confirm(space, "one")
    store.confirm(space, "one")
    assert tags() == []
    assert store.get_value(space, "one") == text


def test_confirming_or_deleting_a_missing_object_is_idempotent(store: ObjectStore, space: str) -> None:
    store.put_value(space, "one", b"1")
    for _ in range(2):
        store.delete_value(space, "one")
        store.confirm(space, "one")
    assert store.get_value(space, "one") is None
    assert store.get_answer(space, "one") is None
    assert store.uploaded(space, "one") is None
    assert store.read_range(space, "one", 0, 1, etag='"1"') is None
    assert not store.has_result(space, "one")


def test_stored_response_is_served_by_its_presigned_url(store: ObjectStore, space: str) -> None:
    store.put_answer(space, "digest", b'{"value":1}')
    assert store.get_answer(space, "digest") == b'{"value":1}'

    url = store.presign_answer(space, "digest", expires_s=60)
    response = httpx.get(url, trust_env=False)
    assert (response.content, response.headers["content-type"]) == (b'{"value":1}', "application/json")
    for other in (url.replace("digest", "other"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")):
        assert httpx.get(other, trust_env=False).status_code == 403


def test_file_is_uploaded_by_url_and_read_in_ranges(store: ObjectStore, space: str) -> None:
    url = store.presign_upload(space, "job", expires_s=60)
    assert httpx.put(url, content=b"0123456789", trust_env=False).status_code == 200

    file = store.uploaded(space, "job")
    assert file is not None
    assert file.size == 10
    assert store.read_range(space, "job", 2, 4, etag=file.etag) == b"234"
    assert store.read_range(space, "job", 8, 99, etag=file.etag) == b"89"

    # A client with the URL can replace the file; a reader must not mix the two versions.
    assert httpx.put(url, content=b"9876543210", trust_env=False).status_code == 200
    assert store.read_range(space, "job", 2, 4, etag=file.etag) is None


def test_file_is_written_in_parts_and_downloaded_by_url(store: ObjectStore, space: str) -> None:
    upload = store.begin(space, "job")
    parts = {2: b"a" * PART, 4: b"not to be counted", 7: b"tail"}
    for number, part in parts.items():
        store.put_part(space, "job", upload, number, part)
    assert not store.has_result(space, "job")
    store.complete(space, "job", upload, [2, 7])
    assert store.has_result(space, "job")

    response = httpx.get(store.presign_download(space, "job", expires_s=60), trust_env=False)
    assert response.content == parts[2] + parts[7]
    assert response.headers["content-type"] == "application/x-ndjson"


def test_aborted_upload_cannot_be_continued(store: ObjectStore, space: str) -> None:
    upload = store.begin(space, "job")
    store.put_part(space, "job", upload, 1, b"a")
    store.abort(space, "job", upload)
    store.abort(space, "job", upload)

    with pytest.raises(s3.ObjectNotFound):
        store.put_part(space, "job", upload, 2, b"b")
    with pytest.raises(s3.ObjectNotFound):
        store.complete(space, "job", upload, [1])


def test_deleting_a_namespaces_objects_leaves_others(
    store: ObjectStore, client: S3Client, bucket: str, space: str
) -> None:
    neighbour = space + "x"
    for one in (space, neighbour):
        store.put_value(one, "value", b"1")
        store.put_answer(one, "answer", b"1")
        upload = store.begin(one, "job")
        store.put_part(one, "job", upload, 1, b"1")
        store.complete(one, "job", upload, [1])
        httpx.put(store.presign_upload(one, "job", expires_s=60), content=b"1", trust_env=False)
    all_of_it = ["answers/answer", "transfers/job.ndjson", "transfers/job.upload", "values/value"]
    assert keys(client, bucket, space) == all_of_it

    store.delete_namespace(space)
    assert keys(client, bucket, space) == []
    assert keys(client, bucket, neighbour) == all_of_it

    store.delete_transfer(neighbour, "job")
    assert keys(client, bucket, neighbour) == ["answers/answer", "values/value"]


def test_bucket_is_emptied_with_all_versions(client: S3Client) -> None:
    bucket = f"doomed-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="before", Body=b"1")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        client.put_object(Bucket=bucket, Key="several", Body=b"1")
    client.delete_object(Bucket=bucket, Key="several")

    buckets.empty(client, bucket)

    versions = client.list_object_versions(Bucket=bucket)
    assert versions.get("Versions", []) == []
    assert versions.get("DeleteMarkers", []) == []
    client.delete_bucket(Bucket=bucket)


def test_stream_batch_deletes_only_unreferenced_objects(
    store: ObjectStore, client: S3Client, bucket: str, space: str
) -> None:
    names = [f"o{number}" for number in range(20)]
    for name in names:
        store.put_value(space, name, b"1")
    changes = [record(None, name, partition=f"V#{space}", key=name) for name in names]
    changes += [record(name, None, partition=f"V#{space}", key=name) for name in names[10:]]
    tracker = ObjectTracker(store)
    for batch in (changes, changes[:5], changes):
        tracker.track(batch)
    assert keys(client, bucket, space) == sorted(f"values/{name}" for name in names[:10])
    tags = [client.get_object_tagging(Bucket=bucket, Key=f"values/{space}/{name}")["TagSet"] for name in names[:10]]
    assert tags == [[]] * 10
