"""AccountStore.forget: removing a deleted account's items, interrupted at any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kv_common.account_tombstones import account_key
from kv_common.dynamodb import put_all
from kv_service.jobs.model import ACCOUNT_JOB_ID
from kv_service.persistence import AccountStore
from tests.support.crashing_client import ProcessCrashed

if TYPE_CHECKING:
    from tests.support.mock_aws import MockAws

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
OWN_JOB = f"WORK#{ACCOUNT_JOB_ID}"
OTHERS = ("COUNTERS", "OUTBOX#e1", "PLAN", "TRANSFER#t1", "USED#2026-11", "WORK#0000", "WORK#account", "WORK#zzzz")


class CrashingBatches:
    """A client whose process crashes after `deletes` items: a batch is not atomic, and its order is not defined."""

    def __init__(self, aws: MockAws, deletes: int) -> None:
        self._client = aws.dynamodb
        self._deletes = deletes
        self.query = aws.dynamodb.query

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - as in boto3
        for request in reversed(RequestItems["kv"]):
            if not self._deletes:
                raise ProcessCrashed
            self._deletes -= 1
            self._client.delete_item(TableName="kv", Key=request["DeleteRequest"]["Key"])
        return {"UnprocessedItems": {}}


def test_account_job_is_the_last_item_to_be_removed(aws: MockAws) -> None:
    table = aws.create_table("kv")

    def sort_keys() -> set[str]:
        return {item["SK"]["S"] for item in aws.items(table)}

    for deletes in range(len(OTHERS) + 1):
        put_all(
            aws.dynamodb, table, [{"PK": {"S": account_key(ACCOUNT)}, "SK": {"S": key}} for key in (*OTHERS, OWN_JOB)]
        )
        crashing: Any = CrashingBatches(aws, deletes)

        with pytest.raises(ProcessCrashed):
            AccountStore(crashing, table, now_ms=lambda: 0).forget(ACCOUNT, [])
        assert OWN_JOB in sort_keys()

        AccountStore(aws.dynamodb, table, now_ms=lambda: 0).forget(ACCOUNT, [])
        assert sort_keys() == set()
