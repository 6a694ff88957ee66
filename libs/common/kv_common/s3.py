"""S3 as the stores use it: short time-outs, signatures that are good for URLs too, failures in our own words."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client

_TRY_LATER = frozenset({"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown"})
_MISSING = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound", "PreconditionFailed"})
_SERVER_ERROR = 500


class ObjectNotFound(Exception):
    """There is no such object, or not in the version that was asked for, or no such upload."""


def client(env: Mapping[str, str] = os.environ) -> S3Client:
    """Return a client; region, credentials and endpoint come from the environment."""
    import boto3
    from botocore.config import Config

    # URLs that we sign name the bucket as a host, as AWS wants it; an emulator's address takes no bucket before it.
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
    """Turn what is not there into ObjectNotFound and what will pass into Unavailable; let the rest escape."""
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as BotoConnectionError

    try:
        yield
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _MISSING:
            raise ObjectNotFound from error
        if code in _TRY_LATER or status >= _SERVER_ERROR:
            raise Unavailable from error
        raise
    except (BotoConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise Unavailable from error
