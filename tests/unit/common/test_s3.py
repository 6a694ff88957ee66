"""S3's failures in our own words, and where the URLs that we sign lead."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, IncompleteReadError, ReadTimeoutError

from kv_common import s3
from kv_common.errors import Unavailable
from kv_common.s3 import ObjectNotFound, translate_errors


def failure(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "internal words"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "Operation")


@pytest.mark.parametrize("code", ["NoSuchKey", "404", "NoSuchUpload"])
def test_what_is_not_there_is_told(code: str) -> None:
    with pytest.raises(ObjectNotFound), translate_errors():
        raise failure(code, 404)


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
def test_what_will_pass_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise error


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("NoSuchBucket", 404), ("InvalidRange", 416)])
def test_our_own_mistakes_escape(code: str, status: int) -> None:
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
def test_a_signed_url_names_the_bucket_where_the_endpoint_understands_it(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, host: str, path: str
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # what another test left there has its own credentials
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
