"""billing's table behaves like the fake of the unit tests, and survives crashes of processes."""

from __future__ import annotations

import json
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from billing_service.events import plan_changed
from billing_service.http.responses import show_account
from billing_service.model import Account, CustomLimits
from billing_service.paddle import paddle_events
from billing_service.persistence import BillingStore, Closed, Outdated, Seen
from billing_service.subscription_sync import SubscriptionSync
from infra.paddle_simulator import entities
from kv_common import dynamodb
from kv_common.events import Event, PaymentFailed, decode
from tests.support.kv_process import enter
from tests.unit.billing.fakes import BINDING, NOW, NOW_US, FakeBillingStore, bought, held, ledger, prices
from tests.unit.billing.lifecycle import life, shuffled

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.local.environment import LocalEnvironment


@pytest.fixture
def table(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> str:
    return enter(local, "billing", monkeypatch)["TABLE"]


@pytest.fixture
def account_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture(params=["memory", "table"])
def store(request: pytest.FixtureRequest, table: str) -> BillingStore:
    return FakeBillingStore() if request.param == "memory" else BillingStore(dynamodb.client(), table, now_s=time.time)


def event_id() -> str:
    return f"evt_{uuid.uuid4().hex}"


def bought_in(store: BillingStore, account_id: str, plan: str = "pro", due_us: int | None = None) -> Account:
    """Return the account's next revision, with a subscription."""
    before = store.load(account_id) or Account(account_id)
    data = json.dumps(entity(account_id, plan)).encode()
    subscription, _ = paddle_events.read_subscription(data, prices())
    changed = replace(before.having(replace(subscription, period_ends_us=due_us)), changed_at_us=NOW_US)
    return replace(changed, revision=before.revision + 1)


def entity(account_id: str, plan: str) -> dict[str, Any]:
    return entities.subscription(bought(plan, account_id), NOW)


def told(account: Account) -> list[Event]:
    return [plan_changed(Account(account.id), account, source="evt_1", correlation_id="correlation")]


def test_account_is_added_once(store: BillingStore, account_id: str) -> None:
    assert store.load(account_id) is None
    store.add(account_id)
    assert store.load(account_id) == Account(account_id)
    account = replace(bought_in(store, account_id), custom_limits=CustomLimits(burst=7))
    store.save(account, told(account), event_id())
    store.add(account_id)
    assert store.load(account_id) == account


def test_repeated_paddle_event_writes_nothing(store: BillingStore, account_id: str) -> None:
    store.add(account_id)
    seen, account = event_id(), bought_in(store, account_id)
    store.save(account, told(account), seen)
    later = replace(account, custom_limits=CustomLimits(burst=7), revision=account.revision + 1)
    with pytest.raises(Seen):
        store.save(later, [], seen)
    with pytest.raises(Seen):
        store.record(account_id, seen)
    assert store.load(account_id) == account


def test_decision_on_an_outdated_state_is_not_stored(store: BillingStore, account_id: str) -> None:
    store.add(account_id)
    account = bought_in(store, account_id)
    store.save(account, [], event_id())
    unseen = event_id()
    with pytest.raises(Outdated):
        store.save(account, [], unseen)
    store.record(account_id, unseen)


def test_account_is_due_at_its_next_change(store: BillingStore, account_id: str) -> None:
    store.add(account_id)
    store.save(bought_in(store, account_id, due_us=NOW_US), [], event_id())
    hour_us = 3_600_000_000
    assert account_id not in list(store.due(now_us=NOW_US + hour_us - 1))
    assert account_id in list(store.due(now_us=NOW_US + hour_us))


def test_purged_account_leaves_nothing_and_accepts_nothing(
    store: BillingStore, account_id: str, local: LocalEnvironment, table: str
) -> None:
    store.add(account_id)
    account = bought_in(store, account_id)
    store.save(account, told(account), event_id())
    store.close(account_id)
    assert (store.is_closed(account_id), store.load(account_id)) == (True, account)
    store.forget(account_id)
    store.forget(account_id)
    assert (store.is_closed(account_id), store.load(account_id)) == (True, None)
    writes: list[Callable[[], None]] = [
        lambda: store.add(account_id),
        lambda: store.record(account_id, event_id(), told(account)),
        lambda: store.save(account, [], event_id()),
    ]
    for write in writes:
        with pytest.raises(Closed):
            write()
    pages = local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    assert [item for page in pages for item in page["Items"] if account_id in json.dumps(item)] == []


class CrashingClient:
    """A client whose process dies now and then, before a transaction or right after it."""

    def __init__(self, client: Any, chance: random.Random) -> None:
        self._client = client
        self._chance = chance

    def transact_write_items(self, **request: Any) -> Any:
        fate = self._chance.random()
        if fate < 0.1:
            raise Died
        response = self._client.transact_write_items(**request)
        if fate < 0.2:
            raise Died
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Died(Exception):
    """The process was killed here."""


def test_concurrent_crashing_consumers_end_in_the_same_state_as_ordered_ones(
    local: LocalEnvironment, table: str, account_id: str
) -> None:
    chance = random.Random(11)
    lived = life(11, 80, ties=True, account_id=account_id)
    calm = FakeBillingStore(account_id)
    in_order = ledger(calm, lived.paddle)
    for body in lived.bodies:
        in_order.apply(paddle_events.read(body), "correlation")

    client = dynamodb.client()
    BillingStore(client, table, now_s=time.time).add(account_id)
    deaths = []

    def deliver(body: str) -> None:
        mortal = BillingStore(CrashingClient(client, chance), table, now_s=time.time)  # type: ignore[arg-type]  # one method of it
        made = SubscriptionSync(mortal, lived.paddle, prices(), lambda: BINDING)
        for _ in range(40):
            try:
                made.apply(paddle_events.read(body), "correlation")
            except Died:
                deaths.append(body)
            else:
                return
        raise AssertionError("never delivered")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, shuffled(chance, lived.bodies)))
    assert len(deaths) > 10

    account = BillingStore(client, table, now_s=time.time).load(account_id)
    assert account is not None
    expected = calm.accounts[account_id]
    assert account.subscriptions == expected.subscriptions
    assert show_account(account) == show_account(expected)

    pages = local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"] if item["SK"]["S"].startswith("OUTBOX#")]
    events = [decode(item["name"]["S"], json.loads(item["detail"]["S"])) for item in items]
    mine = [event for event in events if event.account_id == account_id]
    assert held(mine) == (expected.plan, expected.limits)
    assert sum(isinstance(event.data, PaymentFailed) for event in mine) == lived.refused_payments
