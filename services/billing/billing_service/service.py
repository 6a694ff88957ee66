"""What an account's owner can do about its plan; store, Paddle and secrets come as parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from billing_service import checkout_token
from billing_service import model as domain
from billing_service.errors import PaddleRefused, PaddleUnavailable
from billing_service.model import Account, Status, rank
from billing_service.persistence import Closed
from kv_common.errors import Conflict, Unauthorized, Unavailable
from kv_common.plans import CATALOG, DEFAULT_PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from billing_service.checkout_token import CustomData
    from billing_service.model import Subscription
    from billing_service.paddle.client import Paddle
    from billing_service.persistence import BillingStore
    from billing_service.prices import Prices


@dataclass(frozen=True, slots=True)
class Checkout:
    """What Paddle.js needs to sell a plan to an account."""

    price_id: str
    custom_data: CustomData


class Purchases:
    """An account's plan: looking at it, buying one, changing it."""

    def __init__(
        self, store: BillingStore, paddle: Paddle, prices: Prices, binding_secrets: Callable[[], Sequence[str]]
    ) -> None:
        self._store = store
        self._paddle = paddle
        self._prices = prices
        self._binding_secrets = binding_secrets

    def account(self, account_id: str) -> Account:
        """Return what the account has; one that billing has not heard of has bought nothing."""
        return self._store.load(account_id) or Account(account_id)

    def checkout(self, account_id: str, plan: str) -> Checkout:
        """Return what opens a checkout for a better plan; Conflict for one that is no better."""
        price_id = self._price_of(plan)
        account = self._require(account_id)
        if rank(plan) <= rank(account.plan):
            reason = "same_plan" if plan == account.plan else "downgrade"
            raise Conflict(
                f"The account is on {account.plan}: a checkout can only buy a better plan.",
                details={"reason": reason, "plan": account.plan},
            )
        return Checkout(price_id, checkout_token.sign(account_id, price_id, self._binding_secrets()))

    def change(self, account_id: str, plan: str) -> None:
        """Move the account's subscription to another plan, up or down; Paddle settles the rest of the period."""
        price_id = self._price_of(plan)
        current = self._require(account_id).current
        if current is None:
            raise _no_subscription()
        if current.plan == plan:
            raise Conflict(f"The account is on {plan}.", details={"reason": "same_plan", "plan": plan})
        if current.status is Status.PAST_DUE:
            raise Conflict("A payment is open. Settle it in the portal first.", details={"reason": "past_due"})
        try:
            self._paddle.change_price(current.id, price_id)
        except PaddleUnavailable as error:
            raise Unavailable from error
        except PaddleRefused as error:
            raise Conflict(
                "The payment provider refused the change.", details={"reason": "refused", "code": error.code}
            ) from error

    def portal(self, account_id: str) -> str:
        """Return a link to Paddle's portal: payment method, invoices, cancelling."""
        shown: Subscription | None = self._require(account_id).shown
        if shown is None:
            raise _no_subscription()
        try:
            return self._paddle.portal(shown.customer_id, shown.id)
        except (PaddleUnavailable, PaddleRefused) as error:
            raise Unavailable("The payment provider does not answer. Please retry.") from error

    def _price_of(self, plan: str) -> str:
        domain.plan_for_sale(plan, CATALOG)
        if plan == DEFAULT_PLAN.name:
            raise Conflict("The free plan is not bought: cancel in the portal.", details={"reason": "downgrade"})
        price_id = self._prices.price_of(plan)
        if price_id is None:
            raise Conflict("This plan is not for sale here.", details={"reason": "not_for_sale"})
        return price_id

    def _require(self, account_id: str) -> Account:
        """Return the account, which is stored from now on: a webhook of one that is not would be refused."""
        account = self._store.load(account_id)
        if account is not None:
            return account
        try:
            self._store.add(account_id)
        except Closed as error:
            raise Unauthorized("The account was deleted.") from error
        return Account(account_id)


def _no_subscription() -> Conflict:
    return Conflict("The account has no subscription yet.", details={"reason": "no_subscription"})
