"""A DynamoDB client with boto3's interface: item operations use FastClient, all others boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.dynamodb.fast.client import FastClient

    Json = dict[str, Any]


def _operation(name: str) -> Callable[..., Json]:
    def call(self: LazyClient, **params: Any) -> Json:
        return self.calls(name, params)

    call.__doc__ = f"{name}, as in boto3's client."
    return call


class LazyClient:
    """boto3's client interface; boto3 is imported when anything but an item operation is used.

    Importing boto3 and creating a client takes most of a cold start, and most processes need neither.
    """

    def __init__(self, calls: FastClient) -> None:
        self.calls = calls

    get_item = _operation("GetItem")
    put_item = _operation("PutItem")
    update_item = _operation("UpdateItem")
    delete_item = _operation("DeleteItem")
    query = _operation("Query")
    batch_get_item = _operation("BatchGetItem")
    batch_write_item = _operation("BatchWriteItem")
    transact_get_items = _operation("TransactGetItems")
    transact_write_items = _operation("TransactWriteItems")

    def __getattr__(self, name: str) -> Any:
        if name == "meta":
            # Event handlers are registered on it.
            self.calls.emit_events()
        return getattr(self.calls.client, name)
