"""Several keys of a namespace read and written together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kv_common.dynamodb import ConditionFailed, TransactionConflict, TransactionTooLarge, translate_errors
from kv_common.errors import Unavailable
from kv_service.persistence import value_codec
from kv_service.persistence.conditions import version_unchanged
from kv_service.persistence.idempotency import Records, record_key
from kv_service.persistence.value_bodies import ValueBodies
from kv_service.persistence.values import value_key
from kv_service.values.ports import Seen, VersionConflict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactGetItemTypeDef,
        TransactWriteItemTypeDef,
    )

    from kv_service.namespaces.model import NamespaceRef
    from kv_service.persistence.s3_objects import ObjectStore
    from kv_service.values.idempotency import IdempotencyKey, RecordedAnswer
    from kv_service.values.model import Version
    from kv_service.values.planning import Change

_READS = 8


class TransactionStore:
    """Reads and writes of up to a hundred keys of a `NamespaceRef`; every method may raise Unavailable."""

    def __init__(self, client: DynamoDBClient, table: str, objects: ObjectStore) -> None:
        self._client = client
        self._table = table
        self._texts = ValueBodies(objects)
        self._records = Records(table, objects)

    def read(
        self, space: NamespaceRef, keys: Sequence[str], once: IdempotencyKey | None = None, *, now_ms: int = 0
    ) -> Seen:
        """Return the versions under `keys`, each strongly consistent, and the record of a request.

        One round trip for up to 16 MB, and one more for each further 16 MB.
        """
        wanted = [value_key(space, key) for key in keys]
        if once is not None:
            wanted.append(record_key(space, once))
        found: list[Mapping[str, AttributeValueTypeDef]] = []
        for _ in range(_READS):
            with translate_errors():
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}}
                )
            found += answer["Responses"].get(self._table, [])
            rest = answer.get("UnprocessedKeys", {}).get(self._table)
            if not rest:
                return self._seen(space, found, once, now_ms)
            wanted = [dict(key) for key in rest["Keys"]]
        raise Unavailable

    def read_at_once(self, space: NamespaceRef, keys: Sequence[str]) -> Seen:
        """Return a consistent snapshot of the versions under `keys` in one round trip.

        Raises TransactionConflict while others write them, TransactionTooLarge where they are more than 4 MB together.
        """
        gets: list[TransactGetItemTypeDef] = [
            {"Get": {"TableName": self._table, "Key": value_key(space, key)}} for key in keys
        ]
        from botocore.exceptions import ClientError

        try:
            with translate_errors():
                answer = self._client.transact_get_items(TransactItems=gets)
        except ClientError as error:
            # Keys are checked before: nothing else about the request can be wrong.
            if error.response["Error"]["Code"] == "ValidationException":
                raise TransactionTooLarge from error
            raise
        return self._seen(space, [one["Item"] for one in answer["Responses"] if one.get("Item")], None, 0)

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        """Return a version that was found with its text; see ValueStore."""
        return self._texts.load(space, found)

    def commit(
        self,
        space: NamespaceRef,
        changes: Sequence[Change],
        once: IdempotencyKey | None,
        answer: RecordedAnswer | None,
        *,
        now_ms: int,
    ) -> None:
        """Make all changes and keep the answer, or none of it; one round trip, and one for each large text or answer.

        Raises VersionConflict when a key has changed since it was read or the request has been answered,
        TransactionConflict while others write the same items.
        """
        placed = [self._placed(space, change) for change in changes]
        writes = [self._write(space, change) for change in placed]
        if once is not None and answer is not None:
            writes.append(self._records.put(space, once, answer, now_ms=now_ms))
        if not writes:
            return
        try:
            with translate_errors():
                self._client.transact_write_items(TransactItems=writes)
        except (ConditionFailed, TransactionConflict) as failure:
            for change, before in zip(placed, changes, strict=True):
                if change is not before and change.version is not None:
                    self._texts.discard(space, change.version)
            if isinstance(failure, ConditionFailed):
                raise VersionConflict(None) from failure
            raise

    def _placed(self, space: NamespaceRef, change: Change) -> Change:
        if change.version is None or (version := self._texts.offload(space, change.version)) is change.version:
            return change
        return replace(change, version=version)

    def _write(self, space: NamespaceRef, change: Change) -> TransactWriteItemTypeDef:
        condition = version_unchanged(change.found)
        # Typed loosely: the members that the three kinds of write share.
        asked: Any = {"TableName": self._table, "ConditionExpression": condition.expression}
        if condition.values:
            asked["ExpressionAttributeValues"] = condition.values
        key = value_key(space, change.key)
        if change.only_check:
            return {"ConditionCheck": asked | {"Key": key}}
        if change.version is None:
            return {"Delete": asked | {"Key": key}}
        return {"Put": asked | {"Item": {**key, **value_codec.encode(change.version)}}}

    def _seen(
        self,
        space: NamespaceRef,
        found: Sequence[Mapping[str, AttributeValueTypeDef]],
        once: IdempotencyKey | None,
        now_ms: int,
    ) -> Seen:
        values = value_key(space, "")["PK"]["S"]
        versions = {
            item["SK"]["S"]: value_codec.decode(item["SK"]["S"], item) for item in found if item["PK"]["S"] == values
        }
        records = [item for item in found if once is not None and item["PK"]["S"] != values]
        return Seen(versions, self._records.read(space, records[0], now_ms=now_ms) if records else None)
