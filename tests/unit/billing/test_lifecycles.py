"""Whatever order Paddle's events come in, and however often, an account ends where it would have ended in order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.http.responses import show_account
from billing_service.paddle import paddle_events
from billing_service.subscription_sync import Outcome
from kv_common.events import PaymentFailed
from tests.unit.billing.fakes import ACCOUNT, FakeBillingStore, held, ledger
from tests.unit.billing.lifecycle import Life, life, shuffled

if TYPE_CHECKING:
    from billing_service.model import Account


def run(lived: Life, order: list[str]) -> tuple[Account, FakeBillingStore]:
    """Return the account after the webhooks in `order`, and the table."""
    store = FakeBillingStore(ACCOUNT)
    made = ledger(store, lived.paddle)
    for body in order:
        assert made.apply(paddle_events.read(body), "correlation") is not Outcome.IGNORED
    return store.accounts[ACCOUNT], store


def assert_alike(lived: Life, chance: random.Random, permutations: int) -> None:
    """Run a life in order and in other orders; all have to end alike, here and at whoever is told."""
    expected, in_order = run(lived, lived.bodies)
    for _ in range(permutations):
        account, store = run(lived, shuffled(chance, lived.bodies))
        assert account.subscriptions == expected.subscriptions
        assert show_account(account) == show_account(expected)
        told = list(store.told)
        chance.shuffle(told)
        assert held(told)[0] == held(in_order.told)[0] == expected.plan
        if expected.changed_at_us:
            assert held(in_order.told)[1] == expected.limits
        times = [event.occurred_at_us for event in store.told if event.name == "PlanChanged"]
        assert times == sorted(set(times)), "changes that are told are ordered by their time"
        assert len({event.id for event in store.told}) == len(store.told), "nothing is told twice"
        assert sum(isinstance(event.data, PaymentFailed) for event in store.told) == lived.refused_payments


@pytest.mark.parametrize("ties", [False, True])
def test_a_life_of_a_thousand_events_ends_alike_in_fifty_orders(ties: bool) -> None:  # noqa: FBT001
    chance = random.Random(7)
    assert_alike(life(2_026, 1_000, ties=ties), chance, permutations=50)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.booleans())
def test_any_life_ends_alike_in_any_order(seed: int, length: int, ties: bool) -> None:  # noqa: FBT001
    assert_alike(life(seed, length, ties=ties), random.Random(seed), permutations=4)
