"""Jobs in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.account_tombstones import account_key
from kv_common.dynamodb import ConditionFailed, translate_errors
from kv_common.events.outbox import outbox_put
from kv_service.jobs.events import job_due
from kv_service.jobs.model import Job, JobKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.clock import Clock
    from kv_common.dynamodb.items import Item

WORK_PREFIX = "WORK#"
"""Sorts after all else in the partition: the job that empties it goes last, and can be taken up again until then."""


class JobStore:
    """The jobs of an account; every method is one round trip and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_ms: Clock) -> None:
        self._client = client
        self._table = table
        self._now_ms = now_ms

    def get(self, account_id: str, job_id: str) -> Job | None:
        """Return a job as it is now; None when it is finished, or was never begun."""
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=job_key(account_id, job_id), ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = answer["Item"]
        return Job(
            account_id=account_id,
            id=job_id,
            kind=JobKind(item["kind"]["S"]),
            subject=item["subject"]["S"],
            created_at_ms=int(item["createdAt"]["N"]),
            correlation_id=item["correlationId"]["S"],
            turn=int(item["turn"]["N"]),
        )

    def continue_with(self, job: Job) -> None:
        """Store the job's next turn and ask for it; harmless when another delivery of the turn before has done so."""
        try:
            with translate_errors():
                self._client.transact_write_items(
                    TransactItems=[
                        {
                            "Update": {
                                "TableName": self._table,
                                "Key": job_key(job.account_id, job.id),
                                "UpdateExpression": "SET #turn = :turn",
                                # Holds once for every turn.
                                "ConditionExpression": "#turn = :before",
                                "ExpressionAttributeNames": {"#turn": "turn"},
                                "ExpressionAttributeValues": {
                                    ":turn": {"N": str(job.turn)},
                                    ":before": {"N": str(job.turn - 1)},
                                },
                            }
                        },
                        outbox_put(self._table, job_due(job, now_ms=self._now_ms())),
                    ]
                )
        except ConditionFailed:
            return


def job_key(account_id: str, job_id: str) -> Item:
    """Return the key of a job."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": WORK_PREFIX + job_id}}


def job_start(table: str, job: Job, *, now_ms: int) -> list[TransactWriteItemTypeDef]:
    """Return the parts of a transaction that begin a job: its item, and that its first turn is due."""
    item: Item = {
        **job_key(job.account_id, job.id),
        "kind": {"S": job.kind},
        "subject": {"S": job.subject},
        "createdAt": {"N": str(job.created_at_ms)},
        "correlationId": {"S": job.correlation_id},
        "turn": {"N": str(job.turn)},
    }
    return [
        {"Put": {"TableName": table, "Item": item}},
        outbox_put(table, job_due(job, now_ms=now_ms)),
    ]
