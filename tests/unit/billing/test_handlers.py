"""What billing does about other services' events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from billing_service.errors import PaddleUnavailable
from billing_service.event_handlers import bound
from kv_common.dynamodb import ConditionFailed
from kv_common.events import AccountCreated, AccountDeleted, Contract, Event
from kv_common.events.processed_events import ProcessedEvents
from tests.unit.billing.fakes import ACCOUNT, NOW, NOW_US, FakeBillingStore, FakePaddle, bought, ledger, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class Applied(ProcessedEvents):
    """Keeps what was to be written; `there` says that it is there already."""

    def __init__(self) -> None:
        self.effects: list[TransactWriteItemTypeDef] = []
        self.there = False

    def apply(self, event: Event, effects: Sequence[TransactWriteItemTypeDef]) -> bool:  # noqa: ARG002
        if self.there:
            raise ConditionFailed
        self.effects += effects
        return True


def event(data: Contract) -> Event:
    return Event("id", ACCOUNT, "correlation", NOW_US, data)


def test_a_new_account_is_added_once() -> None:
    processed, store = Applied(), FakeBillingStore()
    add = bound(processed, store, FakePaddle())["AccountCreated"]
    add(event(AccountCreated(email="a@b.de")))
    assert processed.effects == [store.creation(ACCOUNT)]
    processed.there = True
    add(event(AccountCreated(email="a@b.de")))
    assert len(processed.effects) == 1


def test_of_a_deleted_account_every_subscription_is_ended_and_nothing_kept() -> None:
    store, paddle = FakeBillingStore(ACCOUNT), FakePaddle()
    made = ledger(store)
    tell(made, "subscription.activated", bought(number=1))
    tell(made, "subscription.paused", bought(number=2).after("subscription.paused"))
    tell(made, "subscription.canceled", bought(number=3).after("subscription.canceled"))
    forget = bound(Applied(), store, paddle)["AccountDeleted"]
    forget(event(AccountDeleted()))
    forget(event(AccountDeleted()))
    assert sorted(paddle.requests) == sorted(("cancel", bought(number=number).id) for number in (1, 2))
    assert (store.accounts, store.closed) == ({}, {ACCOUNT})


def test_as_long_as_paddle_does_not_answer_the_account_is_closed_and_comes_again() -> None:
    store, paddle = FakeBillingStore(ACCOUNT), FakePaddle()
    tell(ledger(store), "subscription.activated", bought(), NOW)
    forget = bound(Applied(), store, paddle)["AccountDeleted"]
    paddle.available = False
    with pytest.raises(PaddleUnavailable):
        forget(event(AccountDeleted()))
    assert (set(store.accounts), store.closed) == ({ACCOUNT}, {ACCOUNT})
    paddle.available = True
    forget(event(AccountDeleted()))
    assert store.accounts == {}
