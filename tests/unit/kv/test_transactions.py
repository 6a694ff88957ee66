"""Errors of DynamoDB's transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from kv_common.dynamodb import TransactionConflict, TransactionTooLarge
from kv_common.errors import PayloadTooLarge
from kv_service.namespaces.model import NamespaceRef
from kv_service.persistence import ObjectStore, TransactionStore

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = NamespaceRef("00000000-0000-4000-8000-000000000001", "n1")


def no_bucket() -> Any:
    raise AssertionError("nothing here is large")


@pytest.fixture
def stub() -> Iterator[tuple[TransactionStore, Stubber]]:
    client = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="s", endpoint_url="http://x"
    )
    with Stubber(client) as stubber:
        yield TransactionStore(client, "kv", ObjectStore(no_bucket, "bucket")), stubber


def canceled(reason: str) -> dict[str, Any]:
    return {"CancellationReasons": [{"Code": "None"}, {"Code": reason}]}


@pytest.mark.parametrize(
    ("code", "more"),
    [("ValidationException", {}), ("TransactionCanceledException", canceled("ValidationError"))],
    ids=["as a whole", "by its items"],
)
def test_read_over_the_transaction_limit_is_a_413(
    stub: tuple[TransactionStore, Stubber], code: str, more: dict[str, Any]
) -> None:
    store, stubber = stub
    stubber.add_client_error("transact_get_items", code, modeled_fields=more)

    with pytest.raises(TransactionTooLarge) as refusal:
        store.read_at_once(SPACE, ["a", "b"])

    assert isinstance(refusal.value, PayloadTooLarge)
    assert refusal.value.details == {"reason": "transaction_size"}


def test_concurrent_transaction_is_a_conflict(stub: tuple[TransactionStore, Stubber]) -> None:
    store, stubber = stub
    stubber.add_client_error(
        "transact_get_items", "TransactionCanceledException", modeled_fields=canceled("TransactionConflict")
    )

    with pytest.raises(TransactionConflict):
        store.read_at_once(SPACE, ["a", "b"])
