"""Values in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from kv_common.dynamodb import ConditionFailed, TransactionConflict, delete_all, delete_partition, translate_errors
from kv_service.persistence import value_codec
from kv_service.persistence.conditions import (
    LIVE,
    SENT_ONCE,
    TTL_NAME,
    Condition,
    precondition_holds,
    precondition_holds_for_integer,
    version_unchanged,
)
from kv_service.persistence.idempotency import record_partition
from kv_service.persistence.value_bodies import ValueBodies
from kv_service.storage_usage.rules import VALUE_PREFIX
from kv_service.values.model import expiry, stored_bytes
from kv_service.values.pages import KeyRange
from kv_service.values.ports import VersionConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

    from kv_common.dynamodb.items import Item
    from kv_service.namespaces.model import NamespaceRef
    from kv_service.persistence.s3_objects import ObjectStore
    from kv_service.values.commands import Increment
    from kv_service.values.model import Version, WriteStamp
    from kv_service.values.preconditions import Precondition

LIST_INDEX = "list"
_DELETED_AT_ONCE = 1_000
_QUERIES_AT_ONCE = 8
"""How many pages of the table one page of keys may read, where expired or large values thin them out."""

ALL_BUT_TEXT = "n, o, s, c, u, e, #ttl, m"
_LISTED = "SK, n, s, c, u, e, #ttl"
"""What a list shows of a key in the index, which returns only what it projects."""
_REPLACED = ("v", "n", "o", "s", "ttl", "m")
_NAMES = {"ttl": "#ttl"}  # a reserved word


class ValueStore:
    """The values of a `NamespaceRef`; methods take one round trip unless they say otherwise, and may raise Unavailable.

    Expired versions are still found until the table has deleted them: the caller decides by the clock. The exception
    are lists, which leave it out.
    """

    def __init__(self, client: DynamoDBClient, table: str, objects: ObjectStore) -> None:
        self._client = client
        self._table = table
        self._texts = ValueBodies(objects)

    def get(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        """Return the version under `key`; the text of a large value is for `whole` to read."""
        with translate_errors():
            answer = self._client.get_item(TableName=self._table, Key=value_key(space, key), ConsistentRead=consistent)
        return value_codec.decode(key, answer["Item"]) if "Item" in answer else None

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        """Return a version with its body, or None if the key has been overwritten since it was read.

        No round trip for a body that is stored in the table.
        """
        return self._texts.load(space, found)

    def head(self, space: NamespaceRef, key: str, *, consistent: bool = True) -> Version | None:
        """Return the version under `key` without its text, which then does not travel."""
        with translate_errors():
            answer = self._client.get_item(
                TableName=self._table,
                Key=value_key(space, key),
                ConsistentRead=consistent,
                ProjectionExpression=ALL_BUT_TEXT,
                ExpressionAttributeNames=TTL_NAME,
            )
        return value_codec.decode(key, answer["Item"]) if "Item" in answer else None

    def put(self, space: NamespaceRef, version: Version, precondition: Precondition, *, now_ms: int) -> int | None:
        """Keep `version` in place of what there is; return when that was created (ms), None if there was nothing.

        Raises VersionConflict when the precondition does not hold, when the stored version has expired (it must be
        created anew), and when the account may exceed its storage.
        """
        condition = precondition_holds(precondition, now_ms)
        missing = stored_bytes(version.key, version.size, version.metadata) - space.room
        if missing > 0:
            # Holds when the text that is replaced alone gives back as much as there is no room for.
            condition = condition.also("s >= :least", {":least": {"N": str(missing)}})
        creates = precondition.if_none_match is not None and precondition.if_none_match.any
        sets = {name: value for name, value in value_codec.encode(version).items() if name != "c"}
        answer = self._update(
            space,
            version.key,
            condition,
            # What has expired does not lend its time of creation to what is created in its place.
            computed="c = :u" if creates else "c = if_not_exists(c, :u)",
            operands={},
            sets=sets,
            removes=[name for name in _REPLACED if name not in sets],
            # Only the old state tells a replacement from a creation when two writers race.
            returns="NONE" if creates else "UPDATED_OLD",
        )
        old = answer.get("Attributes")
        if not old or (old["e"]["S"] == version.etag and old["c"]["N"] == str(now_ms)):
            return None
        return int(old["c"]["N"])

    def increment(self, space: NamespaceRef, command: Increment, moment: WriteStamp) -> Version:
        """Add to the integer under the key, which begins at 0; return what it is now.

        Raises VersionConflict where the precondition does not hold, and where there is no integer that can be added to.
        """
        sets: Item = {"u": {"N": str(moment.now_ms)}, "e": {"S": moment.etag}}
        if isinstance(command.ttl_s, int):
            sets["ttl"] = {"N": str(expiry(moment.now_ms, command.ttl_s))}
        answer = self._update(
            space,
            command.key,
            precondition_holds_for_integer(command.precondition, command.by, moment.now_ms).also(SENT_ONCE, {}),
            computed="n = if_not_exists(n, :zero) + :by, c = if_not_exists(c, :u)",
            operands={":zero": {"N": "0"}, ":by": {"N": str(command.by)}},
            sets=sets,
            removes=["ttl"] if command.ttl_s is None else [],
            returns="ALL_NEW",
        )
        return value_codec.decode(command.key, answer["Attributes"])

    def delete(self, space: NamespaceRef, key: str, precondition: Precondition, *, now_ms: int) -> None:
        """Remove `key`, if it is there; VersionConflict where the precondition does not hold."""
        request: dict[str, Any] = {}
        if precondition.if_match is not None:
            request = precondition_holds(precondition, now_ms).request()
        self._write(key, lambda: self._client.delete_item(TableName=self._table, Key=value_key(space, key), **request))

    def replace(self, space: NamespaceRef, key: str, found: Version | None, version: Version | None) -> None:
        """Put `version`, or nothing, in the place of exactly the version that was found; else VersionConflict.

        A text that has no room in the table takes a round trip more.
        """
        unchanged = version_unchanged(found).request()
        if version is None:
            if found is not None:
                self._write(
                    key, lambda: self._client.delete_item(TableName=self._table, Key=value_key(space, key), **unchanged)
                )
            return
        placed = self._texts.offload(space, version)
        put: Any = {
            "TableName": self._table,
            "Item": {**value_key(space, key), **value_codec.encode(placed)},
            **unchanged,
        }
        if placed is version:
            self._write(key, lambda: self._client.put_item(**put), version.etag)
            return
        try:
            self._write(key, lambda: self._client.transact_write_items(TransactItems=[{"Put": put}]))
        except (VersionConflict, TransactionConflict):
            self._texts.discard(space, placed)
            raise

    def page(
        self,
        space: NamespaceRef,
        *,
        prefix: str,
        limit: int,
        after: str | None,
        now_ms: int,
        consistent: bool = False,
        metadata: bool = False,
    ) -> KeyRange:
        """Return up to `limit` keys that start with `prefix`, in order, after the key `after`.

        It reads the index, whose entries hold no text: the cost does not grow with the values' size; metadata does not
        travel unless it is asked for. A consistent page reads the table itself. Where much has expired, or values are
        large, it takes up to eight round trips and may end before `limit` keys are found.
        """
        query: QueryInputTypeDef = {
            "TableName": self._table,
            "KeyConditionExpression": "PK = :p AND begins_with(SK, :k)" if prefix else "PK = :p",
            "FilterExpression": LIVE,
            "ExpressionAttributeNames": TTL_NAME,
            "ExpressionAttributeValues": {":p": {"S": value_partition(space)}, ":now": {"N": str(now_ms // 1000)}},
        }
        if prefix:
            query["ExpressionAttributeValues"] = {**query["ExpressionAttributeValues"], ":k": {"S": prefix}}
        if consistent:
            query["ConsistentRead"] = True
            query["ProjectionExpression"] = f"SK, {ALL_BUT_TEXT}"
        else:
            query["IndexName"] = LIST_INDEX
            query["ProjectionExpression"] = f"{_LISTED}, m" if metadata else _LISTED
        found: list[Version] = []
        for _ in range(_QUERIES_AT_ONCE):
            query["Limit"] = limit - len(found)
            if after is not None:
                query["ExclusiveStartKey"] = value_key(space, after)
            with translate_errors():
                answer = self._client.query(**query)
            found += [value_codec.decode(item["SK"]["S"], item) for item in answer["Items"]]
            last = answer.get("LastEvaluatedKey")
            after = last["SK"]["S"] if last else None
            if after is None or len(found) >= limit:
                break
        return KeyRange(tuple(found), after)

    def delete_batch(self, space: NamespaceRef) -> int:
        """Remove up to a thousand keys and return how many, 0 when none is left; 41 round trips for a thousand.

        It finds them in the index, which may lag behind: some may have been deleted already, and some not appear yet.
        """
        with translate_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=LIST_INDEX,
                KeyConditionExpression="PK = :p",
                ExpressionAttributeValues={":p": {"S": value_partition(space)}},
                ProjectionExpression="PK, SK",
                Limit=_DELETED_AT_ONCE,
            )
        delete_all(self._client, self._table, answer["Items"])
        return len(answer["Items"])

    def delete_all(self, space: NamespaceRef) -> None:
        """Remove every value, and the answers to requests that happened once.

        A round trip per 25 keys and per page, which is read from the table with the values in it.
        """
        delete_partition(self._client, self._table, value_partition(space))
        delete_partition(self._client, self._table, record_partition(space))

    def _update(
        self,
        space: NamespaceRef,
        key: str,
        condition: Condition,
        *,
        computed: str,
        operands: Item,
        sets: Item,
        removes: Sequence[str],
        returns: Literal["NONE", "ALL_NEW", "UPDATED_OLD"],
    ) -> Any:
        """Set attributes to what is `computed` from `operands` and to `sets`, and remove those of `removes`."""
        update = "SET " + ", ".join([computed, *(f"{_NAMES.get(name, name)} = :{name}" for name in sets)])
        if removes:
            update += " REMOVE " + ", ".join(_NAMES.get(name, name) for name in removes)
        request = condition.request()
        request["ExpressionAttributeValues"] = {
            **condition.values,
            **operands,
            **{f":{name}": value for name, value in sets.items()},
        }
        if "#ttl" in update:
            request["ExpressionAttributeNames"] = TTL_NAME
        return self._write(
            key,
            lambda: self._client.update_item(
                TableName=self._table,
                Key=value_key(space, key),
                UpdateExpression=update,
                ReturnValues=returns,
                **request,
            ),
            etag=sets["e"]["S"],
        )

    def _write(self, key: str, write: Any, etag: str | None = None) -> Any:
        """Write, and return the answer; `etag` is what the item has afterwards."""
        try:
            with translate_errors():
                return write()
        except ConditionFailed as failure:
            found = value_codec.decode(key, failure.item) if failure.item else None
            if found is not None and found.etag == etag:
                # Ours, and done: the client sends a write again when its answer was lost on the way.
                return {"Attributes": failure.item}
            raise VersionConflict(found) from failure


def value_partition(space: NamespaceRef) -> str:
    """Return the partition of a namespace's values."""
    return VALUE_PREFIX + space.namespace_id


def value_key(space: NamespaceRef, key: str) -> Item:
    """Return the key of a value's item."""
    return {"PK": {"S": value_partition(space)}, "SK": {"S": key}}
