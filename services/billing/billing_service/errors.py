"""What can go wrong with Paddle.

RejectedWebhook             a webhook that must not take effect: it goes to the dead-letter queue, with its reason
PaddleUnavailable   Paddle's API does not answer, or is not configured: later it may
PaddleRefused       Paddle's API answered that it will not
"""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "deleted_account",
    "malformed",
    "unbound",
    "unknown_account",
    "unknown_price",
    "unknown_subscription",
]


class RejectedWebhook(Exception):
    """A correctly signed webhook that says nothing we can stand behind; `reason` is for the log and the operator."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PaddleUnavailable(Exception):
    """Paddle's API cannot be asked now."""


class PaddleRefused(Exception):
    """Paddle's API refused a request for good; `code` is Paddle's own."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Paddle answered {status} {code}")
        self.status = status
        self.code = code
