"""Lives of accounts as Paddle tells them: what can happen to subscriptions, at random, and webhooks about it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from infra.paddle_simulator.entities import Scheduled, id_of
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.simulator import webhook
from tests.unit.billing.fakes import ACCOUNT, NOW, FakePaddle, bought

if TYPE_CHECKING:
    from datetime import datetime

    from infra.paddle_simulator.entities import Bought

STEPS = {
    "active": ["up or down", "up or down", "past due", "failed", "pause later", "cancel later", "paused", "canceled"],
    "trialing": ["activated", "canceled"],
    "past_due": ["failed", "recovered", "recovered", "canceled", "paused"],
    "paused": ["resumed", "resumed", "canceled"],
    "canceled": ["bought again", "bought again"],
}


@dataclass(frozen=True)
class Life:
    """The bodies of webhooks in the order of what happened, and Paddle as it is in the end."""

    bodies: list[str]
    paddle: FakePaddle
    refused_payments: int


def life(seed: int, length: int, *, ties: bool, account_id: str = ACCOUNT) -> Life:
    """Return a life of `length` events: plans up and down, grace, pauses, ends, and what was bought after them.

    With `ties`, some of them happen in the same microsecond.
    """
    chance = random.Random(seed)
    paddle, bodies, refused = FakePaddle(), [], 0
    number, at = 1, NOW - timedelta(days=400)
    now = bought(chance.choice(list(PRICES)), account_id, number, started_at=at)
    event = "subscription.created"
    for count in range(length):
        at, digits = _later(chance, at, tie=ties and chance.random() < 0.05)
        if event.startswith("subscription."):
            # A payment leaves the subscription as it was, and so the time of its last change.
            paddle.knows(now, at)
        bodies.append(
            webhook(event, now, at, digits=digits, event_id=id_of("evt", f"{account_id} {seed} {count}")).body.decode()
        )
        refused += event == "transaction.payment_failed"
        step = chance.choice(STEPS[now.status])
        if step == "bought again":
            number += 1
            now, event = bought(chance.choice(list(PRICES)), account_id, number, started_at=at), "subscription.created"
        else:
            event, now = _step(chance, step, now, at)
    return Life(bodies, paddle, refused)


def _step(chance: random.Random, step: str, now: Bought, at: datetime) -> tuple[str, Bought]:
    later = at + timedelta(days=400 + chance.random())
    match step:
        case "up or down":
            plan = chance.choice(list(PRICES))
            return "subscription.updated", now.after("subscription.updated", price_id=PRICES[plan], scheduled=None)
        case "past due":
            return "subscription.past_due", now.after("subscription.past_due")
        case "failed":
            return "transaction.payment_failed", now
        case "recovered":
            return "subscription.updated", now.after("subscription.updated", status="active")
        case "pause later" | "cancel later":
            scheduled = Scheduled(step.split(maxsplit=1)[0], later)
            return "subscription.updated", now.after("subscription.updated", scheduled=scheduled)
        case _:
            return f"subscription.{step}", now.after(f"subscription.{step}")


def _later(chance: random.Random, at: datetime, *, tie: bool) -> tuple[datetime, int]:
    """Return the moment of the next event, and with how many digits it is told: 0 to 9, and exactly all the same."""
    if tie:
        return at, 6
    digits = chance.randrange(10)
    at += timedelta(microseconds=chance.choice([1, 17, 40_000, 3_000_000]))
    if digits < 6:
        step = 10 ** (6 - digits)
        rest = at.microsecond % step
        at += timedelta(microseconds=step - rest if rest else 0)
    return at, digits


def shuffled(chance: random.Random, bodies: list[str]) -> list[str]:
    """Return the bodies in another order, a third of them twice or more."""
    copies = [*bodies, *chance.choices(bodies, k=len(bodies) // 3 + 1)]
    chance.shuffle(copies)
    return copies
