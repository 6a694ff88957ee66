"""Transfers in DynamoDB: each an item, and one more that keeps an account from having two of a kind at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kv_common import clock
from kv_common.account_tombstones import account_key, require_open
from kv_common.dynamodb import ConditionFailed, delete_all, transact, translate_errors
from kv_common.errors import Conflict, RateLimited, Unauthorized
from kv_common.identifiers import no_such_namespace
from kv_service.jobs.model import JobKind
from kv_service.namespaces.model import NamespaceStatus
from kv_service.persistence.jobs import job_key, job_start
from kv_service.persistence.namespaces import namespace_key
from kv_service.persistence.transfer_codec import TRANSFER_PREFIX, decode, encode, transfer_key
from kv_service.transfers.model import TransferStatus, job_of
from kv_service.transfers.ports import StaleStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from kv_common.clock import Clock
    from kv_common.dynamodb.items import Item
    from kv_service.transfers.model import TransferJob

MAX_A_DAY = {JobKind.EXPORT: 100, JobKind.IMPORT: 10}
"""They pass no rate limit and no quota: an import may write all that the plan stores, at twice the price of a PUT."""

_SLOT_PREFIX = "SLOT#"
_BEGUN_PREFIX = "BEGUN#"
_DAY_S = 86_400
_SHOWN = 100


class TransferStore:
    """Exports and imports; every method is one round trip unless it says otherwise, and may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, *, now_ms: Clock) -> None:
        self._client = client
        self._table = table
        self._now_ms = now_ms

    def begin(self, transfer: TransferJob) -> None:
        """Add a transfer, and its job where it can run at once; Conflict while another of its kind is unfinished.

        RateLimited when the day's are used up.
        """
        account_id = transfer.account_id
        items: list[TransactWriteItemTypeDef] = [
            require_open(self._table, account_id),
            {
                "ConditionCheck": {
                    "TableName": self._table,
                    "Key": namespace_key(account_id, transfer.namespace),
                    # Holds until the namespace is closed; after that nothing may come to write into it.
                    "ConditionExpression": "id = :id AND #status = :active",
                    "ExpressionAttributeNames": {"#status": "status"},
                    "ExpressionAttributeValues": {
                        ":id": {"S": transfer.namespace_id},
                        ":active": {"S": NamespaceStatus.ACTIVE},
                    },
                }
            },
            {
                "Put": {
                    "TableName": self._table,
                    "Item": self._slot(transfer),
                    # Holds while no transfer of this kind is unfinished, or the one that waits was given up.
                    "ConditionExpression": "attribute_not_exists(PK) OR #ttl <= :now",
                    "ExpressionAttributeNames": {"#ttl": "ttl"},
                    "ExpressionAttributeValues": {":now": {"N": str(self._now_ms() // 1000)}},
                }
            },
            self._count(transfer),
            {"Put": {"TableName": self._table, "Item": encode(transfer)}},
        ]
        if transfer.status is TransferStatus.RUNNING:
            items += job_start(self._table, job_of(transfer), now_ms=self._now_ms())
        try:
            transact(self._client, items)
        except ConditionFailed as failure:
            if 0 in failure.actions:
                raise Unauthorized("The account has been deleted.") from failure
            if 1 in failure.actions:
                raise no_such_namespace() from failure
            if 2 in failure.actions:  # the slot
                raise Conflict(
                    f"Another {transfer.kind} of this account is not finished yet.", details={"reason": "job_running"}
                ) from failure
            raise self._too_many(transfer) from failure

    def _count(self, transfer: TransferJob) -> TransactWriteItemTypeDef:
        """Count the transfer among those of its kind and day."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": {
                    "PK": {"S": account_key(transfer.account_id)},
                    "SK": {"S": f"{_BEGUN_PREFIX}{transfer.kind}#{clock.day(transfer.created_at_ms)}"},
                },
                "UpdateExpression": "ADD #begun :one SET #ttl = :ttl",
                # Holds while the day's are not used up.
                "ConditionExpression": "attribute_not_exists(#begun) OR #begun < :most",
                "ExpressionAttributeNames": {"#begun": "begun", "#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":one": {"N": "1"},
                    ":most": {"N": str(MAX_A_DAY[transfer.kind])},
                    ":ttl": {"N": str(transfer.created_at_ms // 1000 + 2 * _DAY_S)},
                },
            }
        }

    def _too_many(self, transfer: TransferJob) -> RateLimited:
        wait_s = _DAY_S - transfer.created_at_ms // 1000 % _DAY_S
        most = MAX_A_DAY[transfer.kind]
        return RateLimited(
            f"An account can begin {most} {transfer.kind}s a day. Please wait until tomorrow (UTC).",
            details={"reason": "jobs_per_day", "retry_after": wait_s},
            headers={"Retry-After": str(wait_s)},
        )

    def get(self, account_id: str, transfer_id: str) -> TransferJob | None:
        """Return a transfer as it is now."""
        with translate_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=transfer_key(account_id, transfer_id), ConsistentRead=True
            )
        return next(iter(self._kept([answer["Item"]] if "Item" in answer else [])), None)

    def newest(self, account_id: str) -> list[TransferJob]:
        """Return the account's hundred newest transfers, the newest first."""
        with translate_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="PK = :p AND begins_with(SK, :s)",
                ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":s": {"S": TRANSFER_PREFIX}},
                ScanIndexForward=False,
                Limit=_SHOWN,
                ConsistentRead=True,
            )
        return self._kept(answer["Items"])

    def all(self, account_id: str) -> list[TransferJob]:
        """Return every transfer of the account, in a round trip per page."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :p AND begins_with(SK, :s)",
            ExpressionAttributeValues={":p": {"S": account_key(account_id)}, ":s": {"S": TRANSFER_PREFIX}},
            ConsistentRead=True,
        )
        with translate_errors():
            return [decode(item) for page in pages for item in page["Items"]]

    def take(self, account_id: str, transfer_id: str) -> TransferJob | None:
        """Take over a running transfer from any other worker; None if it no longer runs."""
        try:
            with translate_errors():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=transfer_key(account_id, transfer_id),
                    UpdateExpression="SET #step = #step + :one",
                    # Holds until it has ended.
                    ConditionExpression="#status = :running",
                    ExpressionAttributeNames={"#step": "step", "#status": "status"},
                    ExpressionAttributeValues={":one": {"N": "1"}, ":running": {"S": TransferStatus.RUNNING}},
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailed:
            return None
        return decode(answer["Attributes"])

    def save(self, transfer: TransferJob, effects: Sequence[TransactWriteItemTypeDef] = ()) -> TransferJob:
        """Store how far a running transfer has got, together with `effects`; return it at its next step.

        Raises StaleStep, and TransactionConflict when others keep writing what it writes. At most 99 effects.
        """
        saved = self._stepped(transfer)
        self._advance([self._put(transfer, saved), *effects])
        return saved

    def end(self, transfer: TransferJob) -> TransferJob:
        """Store how a transfer ended, and let the next one of its kind begin; raises StaleStep."""
        saved = self._stepped(transfer)
        self._advance([self._put(transfer, saved), *self._released(transfer)])
        return saved

    def start(self, transfer: TransferJob) -> None:
        """Store that a transfer that was waiting runs, and begin its job; raises StaleStep."""
        running = self._stepped(transfer)
        waiting = self._put(transfer, running, status=TransferStatus.WAITING)
        slot: TransactWriteItemTypeDef = {"Put": {"TableName": self._table, "Item": self._slot(running)}}
        self._advance([waiting, slot, *job_start(self._table, job_of(running), now_ms=self._now_ms())])

    def cancel(self, transfer: TransferJob) -> None:
        """End a transfer, at whatever step it is by now, as canceled; raises StaleStep when it has ended already."""
        update: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table,
                "Key": transfer_key(transfer.account_id, transfer.id),
                "UpdateExpression": "SET #status = :canceled, updatedAt = :now, #ttl = :ttl",
                # Holds until it has ended.
                "ConditionExpression": "#status IN (:waiting, :running)",
                "ExpressionAttributeNames": {"#status": "status", "#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":canceled": {"S": TransferStatus.CANCELED},
                    ":waiting": {"S": TransferStatus.WAITING},
                    ":running": {"S": TransferStatus.RUNNING},
                    ":now": {"N": str(self._now_ms())},
                    ":ttl": {"N": str(transfer.expires_at_s)},
                },
            }
        }
        self._advance([update, *self._released(transfer)])

    def remove(self, transfer: TransferJob) -> None:
        """Forget a transfer, finished or not; raises StaleStep when it has ended, or begun, since it was read."""
        delete: TransactWriteItemTypeDef = {
            "Delete": {
                "TableName": self._table,
                "Key": transfer_key(transfer.account_id, transfer.id),
                # Holds while its slot is its own, or is not, as it was when it was read.
                "ConditionExpression": "#status = :seen",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {":seen": {"S": transfer.status}},
            }
        }
        self._advance([delete, *([] if transfer.is_finished else self._released(transfer))])

    def forget(self, transfers: Sequence[TransferJob]) -> None:
        """Forget transfers that are finished, in a round trip per 25."""
        delete_all(self._client, self._table, [transfer_key(one.account_id, one.id) for one in transfers])

    def _kept(self, items: Sequence[Item]) -> list[TransferJob]:
        """Return transfers without those that the table has yet to remove."""
        now_s = self._now_ms() // 1000
        transfers = [decode(item) for item in items]
        return [one for one in transfers if one.expires_at_s is None or one.expires_at_s > now_s]

    def _stepped(self, transfer: TransferJob) -> TransferJob:
        return replace(transfer, step=transfer.step + 1, updated_at_ms=self._now_ms())

    def _put(
        self, seen: TransferJob, saved: TransferJob, status: TransferStatus = TransferStatus.RUNNING
    ) -> TransactWriteItemTypeDef:
        return {
            "Put": {
                "TableName": self._table,
                "Item": encode(saved),
                # Holds once for every step, and until somebody else has ended the transfer.
                "ConditionExpression": "#step = :seen AND #status = :status",
                "ExpressionAttributeNames": {"#step": "step", "#status": "status"},
                "ExpressionAttributeValues": {":seen": {"N": str(seen.step)}, ":status": {"S": status}},
            }
        }

    def _slot(self, transfer: TransferJob) -> Item:
        item: Item = {**_slot_key(transfer), "job": {"S": transfer.id}}
        return item if transfer.expires_at_s is None else {**item, "ttl": {"N": str(transfer.expires_at_s)}}

    def _released(self, transfer: TransferJob) -> list[TransactWriteItemTypeDef]:
        """Return the parts of a transaction that end an unfinished transfer's hold on its slot, and its job."""
        keys = (_slot_key(transfer), job_key(transfer.account_id, transfer.id))
        return [{"Delete": {"TableName": self._table, "Key": key}} for key in keys]

    def _advance(self, items: list[TransactWriteItemTypeDef]) -> None:
        try:
            transact(self._client, items)
        except ConditionFailed as failure:
            raise StaleStep from failure


def _slot_key(transfer: TransferJob) -> Item:
    return {"PK": {"S": account_key(transfer.account_id)}, "SK": {"S": _SLOT_PREFIX + transfer.kind}}
