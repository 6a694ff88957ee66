"""Transactions, partitions and idempotent event handling, on a real table."""

from __future__ import annotations

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kv_common import account_tombstones, dynamodb
from kv_common.dynamodb import ConditionFailed, delete_partition, put_all, transact
from kv_common.events import AccountDeleted, Event, ThresholdCrossed
from kv_common.events.processed_events import ProcessedEvents
from tests.support.kv_process import enter
from tests.support.leftovers import items_containing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from infra.local.environment import LocalEnvironment

NOW_S = 1_795_176_000  # 2026-11-20T12:00:00Z


@pytest.fixture
def table(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> str:
    return enter(local, "alerts", monkeypatch)["TABLE"]


@pytest.fixture
def client(table: str) -> DynamoDBClient:  # noqa: ARG001 - the environment it is made in
    return dynamodb.client()


@pytest.fixture
def account() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def processed(client: DynamoDBClient, table: str) -> ProcessedEvents:
    return ProcessedEvents(client, table, now_s=lambda: NOW_S)


def event(account_id: str, name: str = "1") -> Event:
    data = ThresholdCrossed(period="2026-11", metric="requests", threshold=80, used=80, limit=100, plan="free")
    return Event(f"{account_id}#{name}", account_id, "c-1", 0, data)


def add(table: str, account_id: str) -> TransactWriteItemTypeDef:
    """Return the transaction action that increments the account's counter."""
    return {
        "Update": {
            "TableName": table,
            "Key": {"PK": {"S": account_tombstones.account_key(account_id)}, "SK": {"S": "COUNTER"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def add_to_existing(table: str, account_id: str) -> TransactWriteItemTypeDef:
    """Return the same action for a counter that must exist."""
    part = add(table, account_id)
    part["Update"]["ConditionExpression"] = "attribute_exists(PK)"
    return part


def counter(client: DynamoDBClient, table: str, account_id: str) -> int | None:
    key: Any = {"PK": {"S": account_tombstones.account_key(account_id)}, "SK": {"S": "COUNTER"}}
    item = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return None if item is None else int(item["n"]["N"])


def test_concurrent_transactions_on_one_item_all_succeed(client: DynamoDBClient, table: str, account: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: transact(client, [add(table, account)]), range(160)))
    assert counter(client, table, account) == 160


def test_failed_transaction_reports_its_conditions_and_writes_nothing(
    client: DynamoDBClient, table: str, account: str
) -> None:
    items = [add(table, account), add_to_existing(table, account + "-other")]
    with pytest.raises(ConditionFailed) as failure:
        transact(client, items)
    assert failure.value.actions == {1}
    assert counter(client, table, account) is None


def test_partition_of_several_pages_is_deleted_completely(client: DynamoDBClient, table: str, account: str) -> None:
    large = "x" * 300_000
    items: list[Any] = [
        {
            "PK": {"S": f"ACCOUNT#{account}"},
            "SK": {"S": f"{number:05}"},
            "text": {"S": large if number % 150 == 0 else "small"},
        }
        for number in range(3_000)
    ]
    neighbour = {**items[0], "PK": {"S": f"ACCOUNT#{account}-neighbour"}}
    put_all(client, table, [*items, neighbour])

    assert delete_partition(client, table, f"ACCOUNT#{account}") == 3_000
    assert delete_partition(client, table, f"ACCOUNT#{account}") == 0
    assert delete_partition(client, table, f"ACCOUNT#{account}-neighbour") == 1


def test_redelivered_event_changes_nothing(
    client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    assert processed.apply(event(account), [add(table, account)]) is True
    assert processed.apply(event(account), [add(table, account)]) is False
    assert processed.apply(event(account, "2"), [add(table, account)]) is True
    assert counter(client, table, account) == 2


def test_event_delivered_concurrently_is_applied_once(
    client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(lambda _: processed.apply(event(account), [add(table, account)]), range(8)))
    assert applied.count(True) == 1
    assert counter(client, table, account) == 1


def test_different_concurrent_events_are_all_applied(
    client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    with ThreadPoolExecutor(8) as pool:
        events = [event(account, str(number)) for number in range(80)]
        applied = list(pool.map(lambda one: processed.apply(one, [add(table, account)]), events))
    assert applied == [True] * 80
    assert counter(client, table, account) == 80


def test_events_with_one_id_and_different_names_are_different(
    client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    other = Event(event(account).id, account, "c-1", 0, AccountDeleted())
    assert processed.apply(event(account), [add(table, account)])
    assert processed.apply(other, [add(table, account)])
    assert counter(client, table, account) == 2


def test_failed_effect_leaves_the_event_unprocessed(
    client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    effects = [add(table, account), add_to_existing(table, account + "-other")]
    with pytest.raises(ConditionFailed) as failure:
        processed.apply(event(account), effects)
    assert failure.value.actions == {1}
    assert counter(client, table, account) is None

    assert processed.apply(event(account), effects[:1]) is True


def test_processed_event_is_kept_for_sixty_days_without_personal_data(
    local: LocalEnvironment, client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    processed.apply(event(account), [])
    digest = hashlib.sha256(f"{account} ThresholdCrossed {account}#1".encode()).hexdigest()
    key: Any = {"PK": {"S": f"SEEN#{digest}"}, "SK": {"S": "SEEN"}}
    seen = client.get_item(TableName=table, Key=key)["Item"]
    assert seen["ttl"]["N"] == str(NOW_S + 60 * 86_400)
    assert items_containing(local, [table], account) == []


def test_events_of_a_closed_account_are_not_applied(
    client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    account_tombstones.write_tombstone(client, table, account, now_s=NOW_S)
    assert processed.apply(event(account), [add(table, account)]) is False
    assert counter(client, table, account) is None


def test_account_is_open_until_its_tombstone_is_written(client: DynamoDBClient, table: str, account: str) -> None:
    guarded = [account_tombstones.require_open(table, account), add(table, account)]
    transact(client, guarded)
    for _ in range(2):
        account_tombstones.write_tombstone(client, table, account, now_s=NOW_S)
        with pytest.raises(ConditionFailed) as failure:
            transact(client, guarded)
        assert failure.value.actions == {0}
    assert counter(client, table, account) == 1
    transact(client, [account_tombstones.require_open(table, account + "-other"), add(table, account + "-other")])


def test_purged_account_leaves_an_anonymous_tombstone_for_sixty_days(
    local: LocalEnvironment, client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    processed.apply(event(account), [add(table, account)])
    for _ in range(2):
        account_tombstones.purge(client, table, account, now_s=NOW_S)
        assert items_containing(local, [table], account) == []
        assert processed.apply(event(account, "late"), [add(table, account)]) is False
    mark = client.get_item(TableName=table, Key=account_tombstones.tombstone_key(account))["Item"]
    assert mark["ttl"]["N"] == str(NOW_S + 60 * 86_400)


def test_effect_concurrent_with_purging_leaves_nothing(
    local: LocalEnvironment, client: DynamoDBClient, table: str, account: str, processed: ProcessedEvents
) -> None:
    for trial in range(5):
        name = f"{account}-{trial}"
        with ThreadPoolExecutor(8) as pool:
            events = [event(name, str(number)) for number in range(30)]
            effects = [pool.submit(processed.apply, one, [add(table, name)]) for one in events]
            end = pool.submit(account_tombstones.purge, client, table, name, now_s=NOW_S)
            for effect in effects:
                effect.result()
            end.result()
        assert items_containing(local, [table], name) == []
