"""What becomes of what Paddle says: applied once, told once, or refused with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing_service import checkout_token
from billing_service.errors import PaddleRefused, PaddleUnavailable, RejectedWebhook
from billing_service.model import CustomLimits, Status
from billing_service.paddle import paddle_events
from billing_service.subscription_sync import Outcome, Source, SubscriptionSync
from infra.paddle_simulator import entities
from infra.paddle_simulator.entities import EVENTS, Scheduled
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.simulator import webhook
from kv_common.errors import Unavailable
from kv_common.events import PaymentFailed, PlanChanged, PlanChangeScheduled, PlanLimits
from kv_common.plans import CATALOG
from tests.unit.billing.fakes import (
    ACCOUNT,
    BINDING,
    NOW,
    NOW_US,
    OTHER,
    FakeBillingStore,
    FakePaddle,
    bought,
    ledger,
    prices,
    tell,
)

LATER = NOW + timedelta(seconds=1)
SOURCE = Source("reconciliation", "correlation")


@pytest.fixture
def store() -> FakeBillingStore:
    return FakeBillingStore(ACCOUNT)


def plan_of(store: FakeBillingStore) -> str:
    return store.accounts[ACCOUNT].plan


def test_a_bought_plan_holds_and_is_told_with_its_limits(store: FakeBillingStore) -> None:
    assert tell(ledger(store), "subscription.activated", bought("pro"), event_id="evt_1") is Outcome.APPLIED
    assert plan_of(store) == "pro"
    [told] = store.told
    pro = CATALOG["pro"]
    limits = PlanLimits(
        requests_per_second=pro.requests_per_second,
        burst=pro.burst,
        requests_per_month=pro.requests_per_month,
        storage_bytes=pro.storage_bytes,
    )
    effective_at = "2026-11-20T12:00:00.250000Z"
    assert told.data == PlanChanged(
        from_plan="free",
        to_plan="pro",
        limits=limits,
        effective_at=effective_at,
        changed_at_us=NOW_US,
        source_event="evt_1",
        subscription_id=bought().id,
    )
    assert (told.account_id, told.occurred_at_us, told.correlation_id) == (ACCOUNT, NOW_US, "correlation")


@pytest.mark.parametrize("event", ["created", "activated", "trialing", "updated", "resumed", "imported", "past_due"])
def test_every_event_of_a_live_subscription_gives_its_plan(store: FakeBillingStore, event: str) -> None:
    name = f"subscription.{event}"
    tell(ledger(store), name, bought("scale").after(name))
    assert plan_of(store) == "scale"


@pytest.mark.parametrize("event", ["canceled", "paused"])
def test_an_ended_or_paused_subscription_gives_none(store: FakeBillingStore, event: str) -> None:
    made, name = ledger(store), f"subscription.{event}"
    tell(made, "subscription.activated", bought())
    tell(made, name, bought().after(name), LATER)
    assert plan_of(store) == "free"
    assert [told.data.to_plan for told in store.told if isinstance(told.data, PlanChanged)] == ["pro", "free"]
    tell(made, "subscription.resumed", bought().after("subscription.resumed"), LATER + timedelta(days=1))
    assert plan_of(store) == "pro"


def test_an_event_that_was_seen_changes_nothing(store: FakeBillingStore) -> None:
    made = ledger(store)
    tell(made, "subscription.activated", bought(), event_id="evt_1")
    assert tell(made, "subscription.activated", bought(), event_id="evt_1") is Outcome.SEEN
    assert len(store.told) == 1


def test_one_that_is_older_than_what_is_known_is_remembered_and_changes_nothing(store: FakeBillingStore) -> None:
    made = ledger(store)
    tell(made, "subscription.updated", bought("scale"), LATER)
    assert tell(made, "subscription.created", bought("starter"), NOW, event_id="evt_2") is Outcome.NOTHING_NEW
    assert plan_of(store) == "scale"
    assert "evt_2" in store.seen


def test_an_event_that_changes_neither_plan_nor_limits_tells_nothing(store: FakeBillingStore) -> None:
    made = ledger(store)
    tell(made, "subscription.created", bought())
    assert tell(made, "subscription.activated", bought(), LATER) is Outcome.APPLIED
    assert len(store.told) == 1


def test_of_two_events_of_one_microsecond_paddle_is_asked_which_holds(store: FakeBillingStore) -> None:
    paddle = FakePaddle()
    made = ledger(store, paddle)
    paddle.knows(bought("scale"), NOW)
    tell(made, "subscription.created", bought("pro"), NOW, digits=9)
    tell(made, "subscription.updated", bought("scale"), NOW, digits=6)
    assert (plan_of(store), paddle.requests) == ("scale", [("subscription", bought().id)])


def test_of_two_alike_nobody_is_asked(store: FakeBillingStore) -> None:
    paddle = FakePaddle()
    made = ledger(store, paddle)
    tell(made, "subscription.created", bought(), NOW)
    assert tell(made, "subscription.activated", bought(), NOW) is Outcome.NOTHING_NEW
    assert paddle.requests == []


def test_when_paddle_cannot_be_asked_the_event_has_to_come_again(store: FakeBillingStore) -> None:
    paddle = FakePaddle()
    made = ledger(store, paddle)
    tell(made, "subscription.created", bought("pro"), NOW)
    paddle.available = False
    with pytest.raises(PaddleUnavailable):
        tell(made, "subscription.updated", bought("scale"), NOW, event_id="evt_2")
    assert "evt_2" not in store.seen
    paddle.available = True
    paddle.knows(bought("scale"), NOW)
    tell(made, "subscription.updated", bought("scale"), NOW, event_id="evt_2")
    assert plan_of(store) == "scale"


def test_a_subscription_that_paddle_does_not_know_is_refused(store: FakeBillingStore) -> None:
    made = ledger(store)
    tell(made, "subscription.created", bought("pro"), NOW)
    with pytest.raises(RejectedWebhook, match="404") as refusal:
        tell(made, "subscription.updated", bought("scale"), NOW)
    assert refusal.value.reason == "unknown_subscription"


def test_an_arranged_end_is_told_when_it_is_arranged_and_once(store: FakeBillingStore) -> None:
    made, ends = ledger(store), datetime(2026, 12, 20, tzinfo=UTC)
    leaving = replace(bought(), scheduled=Scheduled("cancel", ends))
    tell(made, "subscription.activated", bought())
    tell(made, "subscription.updated", leaving, LATER)
    tell(made, "subscription.updated", leaving, LATER + timedelta(seconds=1))
    assert plan_of(store) == "pro"
    scheduled = [told.data for told in store.told if isinstance(told.data, PlanChangeScheduled)]
    assert scheduled == [
        PlanChangeScheduled(
            from_plan="pro",
            to_plan="free",
            effective_at="2026-12-20T00:00:00.000000Z",
            reason="canceled",
            subscription_id=bought().id,
        )
    ]


def test_an_arranged_pause_says_so_and_a_change_that_ends_nothing_is_not_told(store: FakeBillingStore) -> None:
    made, ends = ledger(store), datetime(2026, 12, 20, tzinfo=UTC)
    tell(made, "subscription.updated", replace(bought(), scheduled=Scheduled("resume", ends)))
    tell(made, "subscription.updated", replace(bought(), scheduled=Scheduled("pause", ends)), LATER)
    assert [told.data.reason for told in store.told if isinstance(told.data, PlanChangeScheduled)] == ["paused"]


def test_an_arranged_end_takes_place_by_itself_and_is_told_once(store: FakeBillingStore) -> None:
    made, ends = ledger(store), NOW + timedelta(days=1)
    tell(made, "subscription.updated", replace(bought(), scheduled=Scheduled("cancel", ends)))
    ends_us = NOW_US + 86_400_000_000
    assert made.end_due(ACCOUNT, SOURCE, now_us=ends_us - 1) is Outcome.NOTHING_NEW
    assert made.end_due(ACCOUNT, SOURCE, now_us=ends_us) is Outcome.APPLIED
    assert made.end_due(ACCOUNT, SOURCE, now_us=ends_us) is Outcome.NOTHING_NEW
    assert plan_of(store) == "free"
    tell(made, "subscription.canceled", bought().after("subscription.canceled"), ends + timedelta(seconds=9))
    changes = [told.data for told in store.told if isinstance(told.data, PlanChanged)]
    assert [(change.to_plan, change.changed_at_us) for change in changes] == [("pro", NOW_US), ("free", ends_us)]


def test_word_that_the_end_was_called_off_brings_the_plan_back_however_late_it_comes(store: FakeBillingStore) -> None:
    made, ends = ledger(store), NOW + timedelta(days=1)
    tell(made, "subscription.updated", replace(bought(), scheduled=Scheduled("cancel", ends)))
    made.end_due(ACCOUNT, SOURCE, now_us=NOW_US + 86_400_000_000)
    tell(made, "subscription.updated", bought(), NOW + timedelta(hours=23))
    assert plan_of(store) == "pro"


def test_the_best_of_several_subscriptions_decides(store: FakeBillingStore) -> None:
    made = ledger(store)
    tell(made, "subscription.activated", bought("scale", number=1), NOW)
    tell(made, "subscription.activated", bought("starter", number=2), LATER)
    assert plan_of(store) == "scale"
    # The word that the first has ended comes with an older time than the last change that was told.
    ended = bought("scale", number=1).after("subscription.canceled")
    tell(made, "subscription.canceled", ended, NOW + timedelta(milliseconds=1))
    assert plan_of(store) == "starter"
    times = [told.data.changed_at_us for told in store.told if isinstance(told.data, PlanChanged)]
    assert times == sorted(set(times))


def test_a_change_that_somebody_else_made_meanwhile_is_not_lost(store: FakeBillingStore) -> None:
    made = ledger(store)
    store.rivals = [replace(store.accounts[ACCOUNT], custom_limits=CustomLimits(burst=7), revision=1)]
    tell(made, "subscription.activated", bought("business"))
    account = store.accounts[ACCOUNT]
    assert (account.plan, account.limits.burst, account.revision) == ("business", 7, 2)


def test_who_is_never_first_gives_up_and_comes_again(store: FakeBillingStore) -> None:
    store.rivals = [replace(store.accounts[ACCOUNT], revision=count) for count in range(50, 0, -1)]
    with pytest.raises(Unavailable):
        tell(ledger(store), "subscription.activated", bought())


def test_a_refused_payment_is_told_once_and_the_plan_stays(store: FakeBillingStore) -> None:
    made = ledger(store)
    tell(made, "subscription.activated", bought())
    tell(made, "transaction.payment_failed", bought(), LATER, event_id="evt_2")
    assert tell(made, "transaction.payment_failed", bought(), LATER, event_id="evt_2") is Outcome.SEEN
    assert [told.data for told in store.told[1:]] == [
        PaymentFailed(amount=1_500, currency="USD", subscription_id=bought().id)
    ]
    assert plan_of(store) == "pro"


OTHERS = sorted({*EVENTS, "customer.updated"} - paddle_events.SUBSCRIPTION_EVENTS - {paddle_events.PAYMENT_FAILED})


@pytest.mark.parametrize("event", OTHERS)
def test_events_that_say_nothing_about_plans_are_left_alone(store: FakeBillingStore, event: str) -> None:
    body = json.dumps({"event_id": "evt_1", "event_type": event, "occurred_at": "2026-11-20T12:00:00Z", "data": {}})
    assert ledger(store).apply(paddle_events.read(body), "correlation") is Outcome.IGNORED
    assert store.seen == set()


FORGED = checkout_token.sign(ACCOUNT, PRICES["pro"], ["a stranger's secret"])
UNBOUND: list[Any] = [
    None,
    {},
    "text",
    {"account_id": ACCOUNT},
    dict(FORGED),
    {**checkout_token.sign(OTHER, PRICES["pro"], BINDING), "account_id": ACCOUNT},
    {**checkout_token.sign(ACCOUNT, PRICES["pro"], BINDING), "price_id": PRICES["scale"]},
    {**FORGED, "token": ""},
    {**FORGED, "token": "é" * 64},
    {**FORGED, "token": None},
    {**FORGED, "account_id": "x" * 65},
]


@pytest.mark.parametrize("custom_data", UNBOUND)
@pytest.mark.parametrize("event", ["subscription.activated", "transaction.payment_failed"])
def test_custom_data_that_we_did_not_sign_names_nobody(event: str, custom_data: Any) -> None:
    store = FakeBillingStore(ACCOUNT, OTHER)
    with pytest.raises(RejectedWebhook) as refusal:
        tell(ledger(store), event, replace(bought(), custom_data=custom_data))
    assert refusal.value.reason == "unbound"
    assert (store.told, store.seen, {account.plan for account in store.accounts.values()}) == ([], set(), {"free"})


def test_custom_data_signed_before_a_rotation_still_names_its_account(store: FakeBillingStore) -> None:
    made = SubscriptionSync(store, FakePaddle(), prices(), lambda: ("the new secret", *BINDING))
    assert tell(made, "subscription.activated", bought()) is Outcome.APPLIED


def items(*price_ids: str) -> dict[str, Any]:

    entity = entities.subscription(bought(), NOW)
    return {**entity, "items": [{"price": {"id": price_id}} for price_id in price_ids]}


@pytest.mark.parametrize(
    "price_ids", [(), ("pri_01somebodyelses",), (PRICES["pro"], PRICES["scale"]), (PRICES["pro"], "pri_01addon")]
)
def test_a_price_that_is_not_ours_buys_nothing(store: FakeBillingStore, price_ids: tuple[str, ...]) -> None:
    body = webhook("subscription.activated", bought(), NOW, data=items(*price_ids)).body.decode()
    with pytest.raises(RejectedWebhook) as refusal:
        ledger(store).apply(paddle_events.read(body), "correlation")
    assert refusal.value.reason == "unknown_price"
    assert (plan_of(store), store.told, store.seen) == ("free", [], set())


def test_an_account_that_was_never_seen_is_not_made_by_a_webhook() -> None:
    store = FakeBillingStore()
    with pytest.raises(RejectedWebhook) as refusal:
        tell(ledger(store), "subscription.activated", bought())
    assert (refusal.value.reason, store.accounts) == ("unknown_account", {})


@pytest.mark.parametrize("event", ["subscription.activated", "subscription.paused", "transaction.payment_failed"])
def test_a_deleted_account_is_not_brought_back(event: str) -> None:
    store = FakeBillingStore()
    store.closed.add(ACCOUNT)
    with pytest.raises(RejectedWebhook) as refusal:
        tell(ledger(store), event, bought().after(event))
    assert (refusal.value.reason, store.accounts, store.told) == ("deleted_account", {}, [])


@pytest.mark.parametrize("event", ["subscription.activated", "transaction.payment_failed"])
def test_neither_is_one_that_is_deleted_at_this_moment(store: FakeBillingStore, event: str) -> None:
    store.closed.add(ACCOUNT)
    with pytest.raises(RejectedWebhook) as refusal:
        tell(ledger(store), event, bought())
    assert (refusal.value.reason, store.told) == ("deleted_account", [])


def test_that_its_subscription_has_ended_is_as_it_should_be() -> None:
    store = FakeBillingStore()
    store.closed.add(ACCOUNT)
    assert tell(ledger(store), "subscription.canceled", bought().after("subscription.canceled")) is Outcome.IGNORED


WELL_FORMED = {
    "event_id": "evt_1",
    "event_type": "subscription.updated",
    "occurred_at": "2026-11-20T12:00:00Z",
    "data": {},
}
MALFORMED = [
    "",
    "null",
    "[]",
    "{}",
    *(
        json.dumps({**WELL_FORMED, **changes})
        for changes in (
            {},
            {"data": None},
            {"event_type": "transaction.payment_failed"},
            {"event_id": "ntf_1"},
            {"occurred_at": "yesterday"},
            {"occurred_at": "2026-13-01T00:00:00Z"},
        )
    ),
]


@pytest.mark.parametrize("body", MALFORMED)
def test_what_is_malformed_is_refused(store: FakeBillingStore, body: str) -> None:
    with pytest.raises(RejectedWebhook) as refusal:
        ledger(store).apply(paddle_events.read(body), "correlation")
    assert refusal.value.reason == "malformed"


@pytest.mark.parametrize(
    ("member", "value"),
    [("status", "asleep"), ("scheduled_change", {"action": "cancel", "effective_at": "soon"}), ("updated_at", 1)],
)
def test_a_subscription_in_no_form_of_paddles_is_refused(store: FakeBillingStore, member: str, value: Any) -> None:
    data = {**items(PRICES["pro"]), member: value}
    body = webhook("subscription.updated", bought(), NOW, data=data).body.decode()
    with pytest.raises(RejectedWebhook) as refusal:
        ledger(store).apply(paddle_events.read(body), "correlation")
    assert refusal.value.reason == "malformed"


def test_agreed_limits_are_told_and_hold_on_the_business_plan_alone(store: FakeBillingStore) -> None:
    made = ledger(store)
    made.agree(ACCOUNT, CustomLimits(storage_bytes=5), Source("operator", "correlation"), now_us=NOW_US)
    assert (store.accounts[ACCOUNT].limits.storage_bytes, store.told) == (CATALOG["free"].storage_bytes, [])
    tell(made, "subscription.activated", bought("business"), LATER)
    assert store.accounts[ACCOUNT].limits.storage_bytes == 5
    made.agree(ACCOUNT, CustomLimits(), Source("operator", "correlation"), now_us=NOW_US)
    changes = [told.data for told in store.told if isinstance(told.data, PlanChanged)]
    assert [(change.from_plan, change.to_plan) for change in changes] == [("free", "business"), ("business",) * 2]
    assert changes[1].limits.storage_bytes == CATALOG["business"].storage_bytes
    assert changes[1].changed_at_us > changes[0].changed_at_us


def test_nothing_is_agreed_with_an_account_that_is_gone() -> None:
    store = FakeBillingStore()
    with pytest.raises(RejectedWebhook):
        ledger(store).agree(ACCOUNT, CustomLimits(), Source("operator", "correlation"), now_us=NOW_US)


def test_a_subscription_bound_to_somebody_else_meanwhile_is_refused() -> None:
    store, paddle = FakeBillingStore(ACCOUNT, OTHER), FakePaddle()
    made = ledger(store, paddle)
    paddle.knows(replace(bought("scale"), custom_data=bought(account_id=OTHER).custom_data), NOW)
    tell(made, "subscription.created", bought("pro"), NOW)
    with pytest.raises(RejectedWebhook):
        tell(made, "subscription.updated", bought("scale"), NOW)
    assert (plan_of(store), store.accounts[OTHER].plan) == ("pro", "free")


def test_paddles_refusal_is_not_taken_for_an_answer(store: FakeBillingStore) -> None:
    paddle = FakePaddle()
    paddle.refusal = PaddleRefused(403, "forbidden")
    made = ledger(store, paddle)
    tell(made, "subscription.created", bought("pro"), NOW)
    with pytest.raises(RejectedWebhook):
        tell(made, "subscription.updated", bought("scale"), NOW)
    assert store.accounts[ACCOUNT].subscriptions[0].status is Status.ACTIVE
