"""Sends webhooks as Paddle does: signed, and on request twice, late or in the wrong order."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from billing_service.paddle.signature import sign
from infra.paddle_simulator import entities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from infra.paddle_simulator.entities import JSON, Bought

PATH = "/v1/webhooks/paddle"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A notification as it is posted: its bytes never change, its signature is made when it is sent."""

    body: bytes

    def header(self, webhook_secrets: Sequence[str], *, sent_s: float) -> str:
        """Return the Paddle-Signature header; with several secrets, as during a rotation."""
        moment = str(int(sent_s))
        return ";".join([f"ts={moment}", *(f"h1={sign(secret, moment, self.body)}" for secret in webhook_secrets)])


def webhook(
    event: str, bought: Bought, at: datetime, *, digits: int = 6, event_id: str | None = None, data: JSON | None = None
) -> Webhook:
    """Return the webhook of `event` for a subscription at `at`."""
    if data is None:
        subscribed = event.startswith("subscription.")
        data = entities.subscription(bought, at) if subscribed else entities.transaction(bought, event, at)
    event_id = event_id or entities.id_of("evt", secrets.token_hex(8))
    notification = entities.notification(event, data, entities.stamp(at, digits), event_id)
    return Webhook(json.dumps(notification, separators=(",", ":")).encode())


class Simulator:
    """Paddle, as far as it sends."""

    def __init__(
        self,
        http: httpx.Client,
        webhook_secrets: Sequence[str],
        *,
        now_s: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = http
        self._webhook_secrets = webhook_secrets
        self._now_s = now_s
        self._wait = wait

    def send(self, webhook: Webhook) -> httpx.Response:
        """Post a webhook with a signature of this moment."""
        headers = {
            "Paddle-Signature": webhook.header(self._webhook_secrets, sent_s=self._now_s()),
            "Content-Type": "application/json",
            "User-Agent": "Paddle",
        }
        return self._http.post(PATH, content=webhook.body, headers=headers)

    def send_all(
        self, webhooks: Sequence[Webhook], *, copies: int = 1, reverse: bool = False, delay_s: float = 0
    ) -> list[httpx.Response]:
        """Post webhooks, each `copies` times, the last first if `reverse`, with a pause before each."""
        answers = []
        for one in reversed(webhooks) if reverse else webhooks:
            for _ in range(copies):
                if delay_s:
                    self._wait(delay_s)
                answers.append(self.send(one))
        return answers


def moments(count: int, *, now: datetime | None = None) -> list[datetime]:
    """Return `count` moments up to now, a millisecond apart: events of one run in their order."""
    last = now or datetime.now(UTC)
    return [last - timedelta(milliseconds=count - 1 - index) for index in range(count)]
