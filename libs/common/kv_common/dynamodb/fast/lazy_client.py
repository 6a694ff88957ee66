"""A client of DynamoDB whose calls of operations on items take the short way; boto3's stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.dynamodb.fast.client import FastClient

    Json = dict[str, Any]


def _operation(name: str) -> Callable[..., Json]:
    def call(self: LazyClient, **params: Any) -> Json:
        return self.calls(name, params)

    call.__doc__ = f"{name}, as boto3's client has it."
    return call


class LazyClient:
    """boto3's client, which is not made before somebody asks for more than an operation on items.

    To import boto3 and to make a client takes most of a cold start's time, and most processes need neither.
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
            # Its events hang there.
            self.calls.be_watched()
        return getattr(self.calls.client, name)
