"""kv_common.shared_secret."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from kv_common.shared_secret import SharedSecret


class Table:
    """A fake DynamoDB; `before_put` is called before a put, as another process."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.reads = 0
        self.before_put: dict[str, dict[str, Any]] = {}

    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert (TableName, ConsistentRead) == ("alerts", True)
        self.reads += 1
        item = self.items.get(Key["SK"]["S"])
        return {"Item": item} if item else {}

    def put_item(self, *, TableName: str, Item: dict[str, Any], ConditionExpression: str) -> None:  # noqa: N803
        assert (TableName, ConditionExpression) == ("alerts", "attribute_not_exists(PK)")
        self.items.update(self.before_put)
        name = Item["SK"]["S"]
        if name in self.items:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
        self.items[name] = Item


def secret(table: Table, fill: bytes = b"a", name: str = "SIGNING") -> SharedSecret:
    client: Any = table
    return SharedSecret(client, "alerts", name, random_bytes=lambda width: fill * width)


def test_first_process_creates_the_secret_and_others_read_it() -> None:
    table = Table()

    assert secret(table, b"a").get() == b"a" * 32
    assert secret(table, b"b").get() == b"a" * 32
    assert secret(table, b"c", name="OTHER").get() == b"c" * 32


def test_secret_is_read_once_per_process() -> None:
    table = Table()
    shared = secret(table)
    shared.get()
    reads = table.reads

    assert shared.get() == b"a" * 32
    assert table.reads == reads


def test_concurrent_creation_yields_one_secret() -> None:
    table = Table()
    table.before_put = {"SIGNING": {"secret": {"B": b"o" * 32}}}

    assert secret(table).get() == b"o" * 32
