"""The S3 client of the stores: short time-outs, presigned URLs, translated errors."""

from __future__ import annotations

import os
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client

_RETRYABLE = frozenset({"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown"})
_NOT_FOUND = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound", "PreconditionFailed"})


class ObjectNotFound(Exception):
    """The object does not exist, or not with the requested ETag, or the multipart upload does not exist."""


def client(env: Mapping[str, str] = os.environ) -> S3Client:
    """Return a client; region, credentials and endpoint come from the environment."""
    import boto3
    from botocore.config import Config

    # AWS expects the bucket in the host name of a presigned URL; an emulator's host name cannot have one.
    emulated = "AWS_ENDPOINT_URL" in env or "AWS_ENDPOINT_URL_S3" in env
    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 3},
            signature_version="s3v4",
            s3={"addressing_style": "path" if emulated else "virtual"},
            parameter_validation=False,
            tcp_keepalive=True,
        ),
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate missing objects to ObjectNotFound and transient errors to Unavailable; raise all others unchanged."""
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as BotoConnectionError

    try:
        yield
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _NOT_FOUND:
            raise ObjectNotFound from error
        if code in _RETRYABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable from error
        raise
    except (BotoConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise Unavailable from error
