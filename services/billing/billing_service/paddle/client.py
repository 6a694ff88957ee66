"""Paddle as billing needs it beside its webhooks: the source of truth about subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Paddle(Protocol):
    """Paddle's API. Every method may raise PaddleUnavailable, or PaddleRefused with Paddle's own code.

    Subscriptions are JSON text, in the form in which webhooks have them too.
    """

    def subscription(self, subscription_id: str) -> bytes:
        """Return a subscription as it is now."""

    def open_subscriptions(self) -> Iterator[bytes]:
        """Yield every subscription that has not ended, of all customers."""

    def change_price(self, subscription_id: str, price_id: str) -> None:
        """Move a subscription to another price at once; the difference for the rest of the period is settled."""

    def cancel(self, subscription_id: str) -> None:
        """End a subscription at once; harmless when it has ended already."""

    def portal(self, customer_id: str, subscription_id: str) -> str:
        """Return a link, good for a short time, under which the customer manages the subscription."""
