"""AWS in the test's own process (moto), with tables as the services' templates define them.

For single-threaded tests only: concurrent transactions are not isolated from each other in moto. moto hooks botocore,
so DynamoDB is called through boto3's client.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from infra.cloudformation import parts
from infra.cloudformation.merge import merge
from infra.cloudformation.template import read_fragment
from infra.repository import Repository
from kv_common import dynamodb, s3
from kv_common.dynamodb.factory import BOTO3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}
_REPLACED = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE")


class MockAws:
    """An empty AWS account."""

    def __init__(self) -> None:
        self.dynamodb: DynamoDBClient = dynamodb.client({"DYNAMODB_CLIENT": BOTO3})
        self.s3: S3Client = s3.client({})

    def create_table(self, service: str) -> str:
        """Create a service's table and return its name."""
        fragment = read_fragment(Repository.here().root / "services" / service / "resources.json")
        template = merge(parts.expand(fragment["Metadata"]["Parts"], service), fragment, partial=True)
        schema: dict[str, Any] = template["Resources"]["Table"]["Properties"]
        names = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        self.dynamodb.create_table(TableName=service, **{name: schema[name] for name in names if name in schema})
        return service

    def create_bucket(self, name: str = "bucket") -> str:
        """Create a bucket and return its name."""
        self.s3.create_bucket(Bucket=name)
        return name

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return all items of a table."""
        items: list[dict[str, Any]] = []
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table):
            items += page["Items"]
        return items


@contextmanager
def mock_aws_account() -> Iterator[MockAws]:
    """Replace AWS for this process, then restore it."""
    import pytest
    from moto import mock_aws

    with pytest.MonkeyPatch.context() as patched:
        for name in _REPLACED:
            patched.delenv(name, raising=False)
        for name, value in _ENVIRONMENT.items():
            patched.setenv(name, value)
        with mock_aws():
            yield MockAws()
