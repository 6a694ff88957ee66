"""kv_common.s3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, IncompleteReadError, ReadTimeoutError

from kv_common import s3
from kv_common.errors import Unavailable
from kv_common.s3 import ObjectNotFound, translate_errors

if TYPE_CHECKING:
    from tests.support.mock_aws import MockAws


def failure(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "internal details"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "Operation")


@pytest.fixture
def bucket(aws: MockAws) -> str:
    return aws.create_bucket()


def test_missing_object_is_not_found(aws: MockAws, bucket: str) -> None:
    with pytest.raises(ObjectNotFound), translate_errors():
        aws.s3.get_object(Bucket=bucket, Key="missing")
    with pytest.raises(ObjectNotFound), translate_errors():
        aws.s3.head_object(Bucket=bucket, Key="missing")


def test_missing_upload_is_not_found(aws: MockAws, bucket: str) -> None:
    with pytest.raises(ObjectNotFound), translate_errors():
        aws.s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId="missing")


def test_replaced_object_is_not_found_by_its_former_etag(aws: MockAws, bucket: str) -> None:
    former = aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"2")

    with pytest.raises(ObjectNotFound), translate_errors():
        aws.s3.get_object(Bucket=bucket, Key="k", IfMatch=former)


def test_missing_bucket_is_not_translated(aws: MockAws) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"), translate_errors():
        aws.s3.get_object(Bucket="missing", Key="k")


@pytest.mark.parametrize(
    "error",
    [
        failure("SlowDown", 503),
        failure("InternalError", 500),
        failure("504", 504),
        failure("RequestTimeout", 400),
        EndpointConnectionError(endpoint_url="http://s3"),
        ReadTimeoutError(endpoint_url="http://s3"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
    ids=str,
)
def test_transient_error_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise error


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("InvalidRange", 416)])
def test_client_mistake_is_not_translated(code: str, status: int) -> None:
    with pytest.raises(ClientError), translate_errors():
        raise failure(code, status)


@pytest.mark.parametrize(
    ("endpoint", "host", "path"),
    [
        (None, "bucket.s3.eu-west-1.amazonaws.com", "/k"),
        ("http://localhost:4566", "localhost:4566", "/bucket/k"),
        ("http://127.0.0.1:4566", "127.0.0.1:4566", "/bucket/k"),
    ],
)
def test_presigned_url_has_the_bucket_as_host_except_for_an_emulator(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, host: str, path: str
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it may have another test's credentials
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    url = urlsplit(s3.client().generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"}))

    assert (url.netloc, url.path) == (host, path)
