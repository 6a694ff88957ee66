"""Applies Paddle's events to accounts, once and in order, and publishes the changes.

Delivery is at least once and unordered. An event that was seen before, or that is older than what is stored of its
subscription, changes nothing, for every event holds the whole subscription. Two events of the same microsecond are
ambiguous, so Paddle is queried. The record that an event was seen, the account and its events are one transaction.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from billing_service import checkout_token
from billing_service import events as facts
from billing_service.errors import PaddleRefused, RejectedWebhook
from billing_service.paddle import paddle_events
from billing_service.persistence import Closed, Outdated, Seen
from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from billing_service.model import Account, CustomLimits, Subscription
    from billing_service.paddle.client import Paddle
    from billing_service.paddle.paddle_events import PaddleEvent
    from billing_service.persistence import BillingStore
    from billing_service.prices import Prices
    from kv_common.events import Event

_ATTEMPTS = 8


class Outcome(StrEnum):
    """What became of something that was said about a subscription."""

    APPLIED = "applied"
    NOTHING_NEW = "nothing new"
    SEEN = "seen before"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Source:
    """Where word of a subscription came from: Paddle's event, whose id is remembered, or something else."""

    name: str
    correlation_id: str
    event_id: str | None = None


class SubscriptionSync:
    """Changes accounts; may raise RejectedWebhook, PaddleUnavailable and Unavailable, and has changed nothing then."""

    def __init__(
        self,
        store: BillingStore,
        paddle: Paddle,
        prices: Prices,
        binding_secrets: Callable[[], Sequence[str]],
    ) -> None:
        self._store = store
        self._paddle = paddle
        self._prices = prices
        self._binding_secrets = binding_secrets

    def apply(self, event: PaddleEvent, correlation_id: str) -> Outcome:
        """Apply one of Paddle's events. Those that say nothing about plans or payments are left alone."""
        if event.type == paddle_events.PAYMENT_FAILED:
            return self._apply_failed_payment(event, correlation_id)
        if event.type not in paddle_events.SUBSCRIPTION_EVENTS:
            return Outcome.IGNORED
        subscription, custom_data = paddle_events.read_subscription(event.data, self._prices, at_us=event.occurred_us)
        try:
            return self._take(self._owner(custom_data), subscription, Source(event.id, correlation_id, event.id))
        except RejectedWebhook as refusal:
            if refusal.reason == "deleted_account" and subscription.ended:
                # As it should be: deleting the account has ended it.
                return Outcome.IGNORED
            raise

    def take_in(self, data: bytes, source: Source) -> Outcome:
        """Take in a subscription that Paddle's API has returned."""
        subscription, custom_data = paddle_events.read_subscription(data, self._prices)
        return self._take(self._owner(custom_data), subscription, source)

    def end_due(self, account_id: str, source: Source, *, now_us: int) -> Outcome:
        """Let end what was to end by now, as far as Paddle has not said otherwise."""

        def change(account: Account) -> tuple[Subscription, int] | None:
            for known in account.subscriptions:
                if known.ending is not None and (ended := known.ended_by(now_us)) != known:
                    return ended, known.ending.at_us
            return None

        outcome = Outcome.NOTHING_NEW
        while self._change(account_id, change, source) is Outcome.APPLIED:
            outcome = Outcome.APPLIED
        return outcome

    def agree(self, account_id: str, custom_limits: CustomLimits, source: Source, *, now_us: int) -> Account:
        """Set custom limits of an account; they apply while it is on the business plan."""
        for _ in range(_ATTEMPTS):
            before = self._account(account_id)
            after = replace(before, custom_limits=custom_limits, revision=before.revision + 1)
            after, events = _with_plan_change(before, after, source, at_us=now_us)
            with suppress(Outdated), _deletion_refused():
                self._store.save(after, events, None)
                return after
        raise Unavailable

    def _take(self, account_id: str, reported: Subscription, source: Source) -> Outcome:
        def change(account: Account) -> tuple[Subscription, int] | None:
            newer = self._newer(account, reported)
            return None if newer is None else (newer, newer.at_us)

        return self._change(account_id, change, source)

    def _newer(self, account: Account, reported: Subscription) -> Subscription | None:
        """Return what is to be known of the subscription from now on; None when that is what is known already."""
        known = account.subscription(reported.id)
        if known is None or reported.at_us > known.at_us:
            return reported
        if reported.at_us < known.at_us or reported == known:
            return None
        try:
            data = self._paddle.subscription(reported.id)
        except PaddleRefused as error:
            raise RejectedWebhook("unknown_subscription", f"two events of one microsecond, and {error}") from error
        truth, custom_data = paddle_events.read_subscription(data, self._prices)
        if self._owner(custom_data) != account.id:
            raise RejectedWebhook("unbound", "the subscription is bound to another account now")
        return replace(truth, at_us=max(truth.at_us, known.at_us))

    def _change(
        self, account_id: str, change: Callable[[Account], tuple[Subscription, int] | None], source: Source
    ) -> Outcome:
        for _ in range(_ATTEMPTS):
            before = self._account(account_id)
            changed = change(before)
            try:
                with suppress(Outdated), _deletion_refused():
                    if changed is None:
                        if source.event_id is not None:
                            self._store.record(account_id, source.event_id)
                        return Outcome.NOTHING_NEW
                    after, events = _with(before, *changed, source)
                    self._store.save(after, events, source.event_id)
                    return Outcome.APPLIED
            except Seen:
                return Outcome.SEEN
        # Others were faster every time; the message comes again.
        raise Unavailable

    def _apply_failed_payment(self, paddle_event: PaddleEvent, correlation_id: str) -> Outcome:
        payment, custom_data = paddle_events.read_failed_payment(paddle_event.data)
        account = self._account(self._owner(custom_data))
        event = facts.payment_failed(account.id, payment, paddle_event, correlation_id)
        try:
            with _deletion_refused():
                self._store.record(account.id, paddle_event.id, [event])
        except Seen:
            return Outcome.SEEN
        return Outcome.APPLIED

    def _owner(self, custom_data: Any) -> str:
        try:
            return checkout_token.verify(custom_data, self._binding_secrets())
        except checkout_token.InvalidCheckoutToken as error:
            raise RejectedWebhook("unbound", str(error)) from error

    def _account(self, account_id: str) -> Account:
        account = self._store.load(account_id)
        if account is not None:
            return account
        if self._store.is_closed(account_id):
            raise _deleted()
        raise RejectedWebhook("unknown_account", "there is no such account")


def _with(before: Account, reported: Subscription, at_us: int, source: Source) -> tuple[Account, list[Event]]:
    """Return the account with the reported subscription, and the events that follow from it."""
    after = replace(before.having(reported), revision=before.revision + 1)
    after, events = _with_plan_change(before, after, source, at_us=at_us)
    known = before.subscription(reported.id)
    if reported.live and reported.ending is not None and (known is None or known.ending != reported.ending):
        scheduled = facts.change_scheduled(after, reported, at_us=at_us, correlation_id=source.correlation_id)
        events += [] if scheduled is None else [scheduled]
    return after, events


def _with_plan_change(before: Account, after: Account, source: Source, *, at_us: int) -> tuple[Account, list[Event]]:
    """Return `after` with the time of the change, and the event; neither where plan and limits are as they were."""
    if (after.plan, after.limits) == (before.plan, before.limits):
        return after, []
    # Another subscription's older word may change the plan too: whoever orders changes by time must take this one.
    after = replace(after, changed_at_us=max(at_us, before.changed_at_us + 1))
    return after, [facts.plan_changed(before, after, source=source.name, correlation_id=source.correlation_id)]


@contextmanager
def _deletion_refused() -> Iterator[None]:
    try:
        yield
    except Closed as error:
        raise _deleted() from error


def _deleted() -> RejectedWebhook:
    return RejectedWebhook("deleted_account", "the account was deleted")
