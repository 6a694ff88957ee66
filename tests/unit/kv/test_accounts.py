"""What is left of a deleted account while it is being removed."""

from __future__ import annotations

from typing import Any

import pytest

from kv_service.jobs.worker import ACCOUNT_JOB_ID
from kv_service.persistence import AccountStore

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
OWN_JOB = f"WORK#{ACCOUNT_JOB_ID}"
OTHERS = ("COUNTERS", "OUTBOX#e1", "PLAN", "TRANSFER#t1", "USED#2026-11", "WORK#0000", "WORK#account", "WORK#zzzz")


class Died(Exception):
    """The process is gone."""


class Partition:
    """An account's items, in a table that takes them one by one and may stop half-way."""

    def __init__(self, deletes: int) -> None:
        self.left = {*OTHERS, OWN_JOB}
        self._deletes = deletes

    def query(self, **asked: Any) -> dict[str, Any]:
        before = asked["ExpressionAttributeValues"].get(":b", {"S": "\x7f"})["S"]
        # In any order: the table removes what a batch names as it likes.
        return {
            "Items": [{"PK": {"S": "p"}, "SK": {"S": key}} for key in sorted(self.left, reverse=True) if key < before]
        }

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        for request in RequestItems["kv"]:
            if not self._deletes:
                raise Died
            self._deletes -= 1
            self.left.discard(request["DeleteRequest"]["Key"]["SK"]["S"])
        return {"UnprocessedItems": {}}


@pytest.mark.parametrize("deletes", range(len(OTHERS) + 1))
def test_the_job_that_removes_an_account_is_there_until_nothing_else_is(deletes: int) -> None:
    table: Any = Partition(deletes)
    with pytest.raises(Died):
        AccountStore(table, "kv", now_ms=lambda: 0).forget(ACCOUNT, [])
    assert OWN_JOB in table.left

    table._deletes = 100
    AccountStore(table, "kv", now_ms=lambda: 0).forget(ACCOUNT, [])
    assert table.left == set()
