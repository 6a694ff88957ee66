"""What billing depends on, kept in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from billing_service import checkout_token
from billing_service.errors import PaddleRefused, PaddleUnavailable
from billing_service.model import Account
from billing_service.paddle import paddle_events
from billing_service.persistence import BillingStore, Closed, Outdated, Seen
from billing_service.prices import Prices
from billing_service.subscription_sync import SubscriptionSync
from billing_service.webhook_queue import WebhookQueue
from infra.paddle_simulator import entities
from infra.paddle_simulator.entities import Bought
from infra.paddle_simulator.prices import PRICES, parameter
from infra.paddle_simulator.simulator import webhook
from kv_common.errors import Unavailable
from kv_common.events import PlanChanged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from billing_service.subscription_sync import Outcome
    from kv_common.events import Event, PlanLimits

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
OTHER = "11111111-2222-4333-8444-555555555555"
NOW = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
NOW_US = 1_795_176_000_250_000
BINDING = ("binding-secret",)
SECRET = "pdl_ntfset_of_the_tests"


class FakeBillingStore(BillingStore):
    """The table; `problem` is raised in place of an answer, `rivals` write before the next change is stored."""

    def __init__(self, *account_ids: str) -> None:
        self.accounts = {account_id: Account(account_id) for account_id in account_ids}
        self.closed: set[str] = set()
        self.seen: set[str] = set()
        self.told: list[Event] = []
        self.problem: Exception | None = None
        self.rivals: list[Account] = []

    def load(self, account_id: str) -> Account | None:
        self._answer()
        return self.accounts.get(account_id)

    def is_closed(self, account_id: str) -> bool:
        self._answer()
        return account_id in self.closed

    def creation(self, account_id: str) -> TransactWriteItemTypeDef:
        return {"Put": {"TableName": "billing", "Item": {"PK": {"S": account_id}}}}

    def add(self, account_id: str) -> None:
        self._guard(account_id, None)
        self.accounts.setdefault(account_id, Account(account_id))

    def save(self, account: Account, told: Sequence[Event], event_id: str | None) -> None:
        if self.rivals:
            rival = self.rivals.pop()
            self.accounts[rival.id] = rival
        self._guard(account.id, event_id)
        known = self.accounts.get(account.id)
        if known is None or known.revision != account.revision - 1:
            raise Outdated
        self.accounts[account.id] = account
        self._tell(told, event_id)

    def record(self, account_id: str, event_id: str, told: Sequence[Event] = ()) -> None:
        self._guard(account_id, event_id)
        self._tell(told, event_id)

    def due(self, *, now_us: int) -> Iterator[str]:
        self._answer()
        for account in list(self.accounts.values()):
            if account.check_us is not None and account.check_us <= now_us:
                yield account.id

    def close(self, account_id: str) -> None:
        self._answer()
        self.closed.add(account_id)

    def forget(self, account_id: str) -> None:
        self.close(account_id)
        self.accounts.pop(account_id, None)

    def check(self) -> None:
        self._answer()

    def _guard(self, account_id: str, event_id: str | None) -> None:
        self._answer()
        if event_id in self.seen:
            raise Seen
        if account_id in self.closed:
            raise Closed

    def _tell(self, told: Sequence[Event], event_id: str | None) -> None:
        self.told += told
        if event_id is not None:
            self.seen.add(event_id)

    def _answer(self) -> None:
        if self.problem is not None:
            raise self.problem


class FakePaddle:
    """Paddle's API: the subscriptions as they are, what was asked of it, and whether it answers."""

    def __init__(self) -> None:
        self.entities: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, ...]] = []
        self.available = True
        self.refusal: PaddleRefused | None = None

    def knows(self, bought: Bought, at: datetime) -> None:
        self.entities[bought.id] = entities.subscription(bought, at)

    def subscription(self, subscription_id: str) -> bytes:
        self._answer("subscription", subscription_id)
        if subscription_id not in self.entities:
            raise PaddleRefused(404, "entity_not_found")
        return json.dumps(self.entities[subscription_id]).encode()

    def open_subscriptions(self) -> Iterator[bytes]:
        self._answer("open_subscriptions")
        for entity in self.entities.values():
            if entity["status"] != "canceled":
                yield json.dumps(entity).encode()

    def change_price(self, subscription_id: str, price_id: str) -> None:
        self._answer("change_price", subscription_id, price_id)

    def cancel(self, subscription_id: str) -> None:
        self._answer("cancel", subscription_id)

    def portal(self, customer_id: str, subscription_id: str) -> str:
        self._answer("portal", customer_id, subscription_id)
        return f"https://portal.example.com/{customer_id}"

    def _answer(self, *request: str) -> None:
        self.requests.append(request)
        if not self.available:
            raise PaddleUnavailable("down")
        if self.refusal is not None:
            raise self.refusal


class FakeWebhookQueue(WebhookQueue):
    """The queue of webhooks and its dead letters; `down` refuses to take any."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, str]] = []
        self.buried: list[tuple[str, str]] = []
        self.down = False

    def put(self, body: str, correlation_id: str) -> None:
        if self.down:
            raise Unavailable
        self.stored.append((body, correlation_id))

    def dead_letter(self, body: str, reason: str) -> None:
        if self.down:
            raise Unavailable
        self.buried.append((body, reason))


def prices() -> Prices:
    return Prices.parse(parameter())


def ledger(store: FakeBillingStore, paddle: FakePaddle | None = None) -> SubscriptionSync:
    return SubscriptionSync(store, paddle or FakePaddle(), prices(), lambda: BINDING)


def bought(plan: str = "pro", account_id: str = ACCOUNT, number: int = 1, **changes: Any) -> Bought:
    """Return a subscription of the account's, bought through a checkout of its own."""
    data = dict(checkout_token.sign(account_id, PRICES[plan], BINDING))
    made = {"price_id": PRICES[plan], "custom_data": data, **changes}
    return Bought(entities.id_of("sub", f"{account_id} {number}"), entities.id_of("ctm", account_id), **made)


def tell(
    made: SubscriptionSync,
    event: str,
    told: Bought,
    at: datetime = NOW,
    *,
    event_id: str | None = None,
    digits: int = 6,
) -> Outcome:
    """Let the ledger hear of an event as it comes out of the queue."""
    body = webhook(event, told, at, event_id=event_id, digits=digits).body.decode()
    return made.apply(paddle_events.read(body), "correlation")


def held(told: Sequence[Event]) -> tuple[str, PlanLimits | None]:
    """Return plan and limits as another service has them that applies PlanChanged only if it is newer."""
    plan, limits, newest = "free", None, 0
    for event in told:
        if isinstance(event.data, PlanChanged) and event.data.changed_at_us > newest:
            plan, limits, newest = event.data.to_plan, event.data.limits, event.data.changed_at_us
    return plan, limits
