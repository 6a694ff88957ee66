"""Buckets of a stage that goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.deploy.errors import DeploymentError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


def empty(client: S3Client, bucket: str) -> None:
    """Remove every object and every version: a bucket has to be empty to be deleted."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        _delete(
            client,
            bucket,
            [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            ],
        )
    for listing in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        _delete(client, bucket, [{"Key": entry["Key"]} for entry in listing.get("Contents", [])])


def _delete(client: S3Client, bucket: str, objects: list[ObjectIdentifierTypeDef]) -> None:
    if not objects:
        return
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for error in answer.get("Errors", []):
        raise DeploymentError(f"{error.get('Key')} of the bucket {bucket} cannot be removed: {error.get('Message')}")
