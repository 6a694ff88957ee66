"""What kv keeps of an account besides its namespaces: its plan, and that it was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common import account_tombstones
from kv_common.account_tombstones import account_key, require_open
from kv_common.dynamodb import ConditionFailed, delete_partition, transact, translate_errors
from kv_service.jobs.model import ACCOUNT_JOB_ID
from kv_service.persistence.jobs import WORK_PREFIX, job_start
from kv_service.persistence.storage_usage import owner_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.admission import Limits
    from kv_common.clock import Clock
    from kv_common.dynamodb.items import Item
    from kv_service.jobs.model import Job


class AccountStore:
    """The plan and the end of accounts; may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_ms: Clock) -> None:
        self._client = client
        self._table = table
        self._now_ms = now_ms

    def set_limits(self, account_id: str, limits: Limits) -> bool:
        """Store limits unless newer ones are stored, or the account is deleted; return whether they are applied now."""
        item: Item = {
            **plan_key(account_id),
            "plan": {"S": limits.plan},
            "rate": {"N": str(limits.rate)},
            "burst": {"N": str(limits.burst)},
            "quota": {"N": str(limits.quota)},
            "storage": {"N": str(limits.storage)},
            "version": {"N": str(limits.version)},
        }
        try:
            transact(
                self._client,
                [
                    require_open(self._table, account_id),
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": item,
                            # Holds unless a later change is stored; the same change may be stored again.
                            "ConditionExpression": "attribute_not_exists(version) OR version <= :version",
                            "ExpressionAttributeValues": {":version": {"N": str(limits.version)}},
                        }
                    },
                ],
            )
        except ConditionFailed:
            return False
        return True

    def close(self, job: Job) -> None:
        """Let nothing of the job's account be written any more, and begin the job that removes what there is."""
        now_ms = self._now_ms()
        with translate_errors():
            account_tombstones.write_tombstone(self._client, self._table, job.account_id, now_s=now_ms / 1000)
        transact(self._client, job_start(self._table, job, now_ms=now_ms))

    def forget(self, account_id: str, namespace_ids: Sequence[str]) -> None:
        """Remove all but the values of an account, and who its namespaces belonged to.

        The job that does it goes alone and last: until then it can be taken up again, after that nothing is left.
        """
        for namespace_id in namespace_ids:
            with translate_errors():
                self._client.delete_item(TableName=self._table, Key=owner_key(namespace_id))
        delete_partition(self._client, self._table, account_key(account_id), before=WORK_PREFIX + ACCOUNT_JOB_ID)
        delete_partition(self._client, self._table, account_key(account_id))


def plan_key(account_id: str) -> Item:
    """Return the key of an account's plan."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": "PLAN"}}
