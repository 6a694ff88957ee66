"""The artifacts bucket: where CloudFormation reads packages and templates from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.deploy.stack import TemplateSource

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client


class Artifacts:
    """The bucket of one stage. Keys are digests of contents, so nothing is ever uploaded twice or overwritten."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def upload(self, file: Path, key: str) -> None:
        """Store a file under its key unless it is there already."""
        if not self._has(key):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=file.read_bytes())

    def upload_template(self, file: Path, stack: str) -> TemplateSource:
        """Store a template under the digest of its contents."""
        key = f"{stack}/{hashlib.sha256(file.read_bytes()).hexdigest()}.json"
        self.upload(file, key)
        return TemplateSource(url=f"{self._client.meta.endpoint_url}/{self.bucket}/{key}")

    def _has(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}:
                return False  # 403: AWS's answer for a missing object to who may not list the bucket
            raise
        return True
