"""Find data of an account in the tables of a service and in kv's bucket."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.support.kv_process import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant

# Creating a client takes longer than scanning all tables.
_client = cache(lambda local, service: local.aws_client(service))
_environment_of = cache(environment_of)


def items_containing(local: LocalEnvironment, tables: Iterable[str], *texts: str) -> list[dict[str, Any]]:
    """Return every item of `tables` that contains one of `texts` anywhere."""
    scan = _client(local, "dynamodb").get_paginator("scan")
    pages = [page for table in tables for page in scan.paginate(TableName=table, ConsistentRead=True)]
    items: list[dict[str, Any]] = [item for page in pages for item in page["Items"]]
    return [item for item in items if any(text in json.dumps(item, default=str) for text in texts)]


@cache
def tables_of(local: LocalEnvironment, service: str) -> tuple[str, ...]:
    """Return the names of all tables of a service's stack."""
    pages = _client(local, "cloudformation").get_paginator("list_stack_resources")
    return tuple(
        resource["PhysicalResourceId"]
        for page in pages.paginate(StackName=f"kv-local-{service}")
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::DynamoDB::Table"
    )


def objects(local: LocalEnvironment, *texts: str) -> list[str]:
    """Return the keys of kv's objects that contain one of `texts`."""
    bucket = _environment_of(local, "kv")["OBJECTS_BUCKET"]
    pages = _client(local, "s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys: list[str] = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return [key for key in keys if any(text in key for text in texts)]


def left_in_auth(local: LocalEnvironment, tenant: Tenant) -> list[dict[str, Any]]:
    """Return an account's remaining items in auth's tables and users in its user pool."""
    pool = _environment_of(local, "auth")["USER_POOL_ID"]
    users = _client(local, "cognito-idp").list_users(UserPoolId=pool, Filter=f'email = "{tenant.email}"')["Users"]
    return [*items_containing(local, tables_of(local, "auth"), tenant.account_id, tenant.email), *users]
