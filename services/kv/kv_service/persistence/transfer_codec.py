"""How a transfer is stored in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kv_common.account_tombstones import ACCOUNT_PREFIX, account_key
from kv_service.jobs.model import JobKind
from kv_service.transfers.model import ExportProgress, ImportProgress, Problem, TransferJob, TransferStatus

if TYPE_CHECKING:
    from kv_common.dynamodb.items import Item

TRANSFER_PREFIX = "TRANSFER#"
"""Sorts before the jobs: the job that empties an account's partition goes after them."""


def transfer_key(account_id: str, transfer_id: str) -> Item:
    """Return the key of a transfer."""
    return {"PK": {"S": account_key(account_id)}, "SK": {"S": TRANSFER_PREFIX + transfer_id}}


def encode(transfer: TransferJob) -> Item:
    """Return a transfer as an item."""
    item: Item = {
        **transfer_key(transfer.account_id, transfer.id),
        "kind": {"S": transfer.kind},
        "namespace": {"S": transfer.namespace},
        "namespaceId": {"S": transfer.namespace_id},
        "correlationId": {"S": transfer.correlation_id},
        "status": {"S": transfer.status},
        "createdAt": {"N": str(transfer.created_at_ms)},
        "updatedAt": {"N": str(transfer.updated_at_ms)},
        "step": {"N": str(transfer.step)},
        "keys": {"N": str(transfer.keys)},
        "bytes": {"N": str(transfer.bytes)},
        "skipped": {"N": str(transfer.skipped)},
    }
    for name, number in (("size", transfer.size), ("ttl", transfer.expires_at_s)):
        if number is not None:
            item[name] = {"N": str(number)}
    for name, note in (("problem", transfer.problem), ("progress", transfer.progress)):
        if note is not None:
            item[name] = {"S": msgspec.json.encode(note).decode()}
    return item


def decode(item: Item) -> TransferJob:
    """Return the transfer that an item holds."""
    return TransferJob(
        account_id=item["PK"]["S"].removeprefix(ACCOUNT_PREFIX),
        id=item["SK"]["S"].removeprefix(TRANSFER_PREFIX),
        kind=JobKind(item["kind"]["S"]),
        namespace=item["namespace"]["S"],
        namespace_id=item["namespaceId"]["S"],
        correlation_id=item["correlationId"]["S"],
        status=TransferStatus(item["status"]["S"]),
        created_at_ms=int(item["createdAt"]["N"]),
        updated_at_ms=int(item["updatedAt"]["N"]),
        step=int(item["step"]["N"]),
        keys=int(item["keys"]["N"]),
        bytes=int(item["bytes"]["N"]),
        skipped=int(item["skipped"]["N"]),
        size=int(item["size"]["N"]) if "size" in item else None,
        expires_at_s=int(item["ttl"]["N"]) if "ttl" in item else None,
        problem=msgspec.json.decode(item["problem"]["S"], type=Problem) if "problem" in item else None,
        progress=_progress(item),
    )


def _progress(item: Item) -> ExportProgress | ImportProgress | None:
    if "progress" not in item:
        return None
    if item["kind"]["S"] == JobKind.EXPORT:
        return msgspec.json.decode(item["progress"]["S"], type=ExportProgress)
    return msgspec.json.decode(item["progress"]["S"], type=ImportProgress)
