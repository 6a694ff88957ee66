"""A table with kv's schema and no stream, so that writes to it cause no other work."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.tenant import stack_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment


@contextmanager
def scratch_table(local: LocalEnvironment) -> Iterator[str]:
    """Create a table with the keys and indexes of kv's, yield its name, and delete it afterwards."""
    dynamodb = local.aws_client("dynamodb")
    like = dynamodb.describe_table(TableName=stack_output(local, "kv", "TableName"))["Table"]
    name = f"kv-local-quiet-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=like["KeySchema"],
        AttributeDefinitions=like["AttributeDefinitions"],
        GlobalSecondaryIndexes=[
            {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
            for index in like["GlobalSecondaryIndexes"]
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)
