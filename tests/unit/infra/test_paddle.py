"""The simulated Paddle: what it sends is what Paddle's own library reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from paddle_billing.Notifications.Entities.Subscription import Subscription
from paddle_billing.Notifications.Entities.Transaction import Transaction

from infra.paddle_simulator import entities
from infra.paddle_simulator.entities import EVENTS, Bought, Scheduled
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.simulator import Simulator, Webhook, moments, webhook

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOUGHT = Bought(entities.id_of("sub", "1"), entities.id_of("ctm", "1"), PRICES["pro"], {"account_id": "1"})


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("scheduled", [None, Scheduled("cancel", NOW + timedelta(days=1))])
def test_paddles_own_library_reads_every_event(event: str, scheduled: Scheduled | None) -> None:
    told = json.loads(webhook(event, BOUGHT.after(event, scheduled=scheduled), NOW).body)
    assert (told["event_type"], told["event_id"][:4], told["notification_id"][:4]) == (event, "evt_", "ntf_")
    if event.startswith("subscription."):
        read = Subscription.from_dict(told["data"])
        assert (str(read.status), read.items[0].price.id) == (
            entities.STATUS_BY_EVENT.get(event, "active"),
            PRICES["pro"],
        )
    else:
        assert Transaction.from_dict(told["data"]).subscription_id == BOUGHT.id


@pytest.mark.parametrize("digits", range(10))
def test_moments_are_written_with_as_many_digits_as_asked_for(digits: int) -> None:
    written = entities.stamp(NOW.replace(microsecond=123_456), digits)
    assert written == "2026-11-20T12:00:00" + ("." + "123456000"[:digits] if digits else "") + "Z"


class Receiver:
    """Keeps what was posted."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Paddle-Signature"].startswith("ts=1000;h1=")
        self.bodies.append(request.content)
        return httpx.Response(200)


def send(
    receiver: Receiver, told: list[Webhook], *, copies: int = 1, reverse: bool = False, delay_s: float = 0
) -> None:
    with httpx.Client(base_url="http://kv", transport=httpx.MockTransport(receiver)) as http:
        simulator = Simulator(http, ["secret"], now_s=lambda: 1_000.9, wait=receiver.waits.append)
        simulator.send_all(told, copies=copies, reverse=reverse, delay_s=delay_s)


def test_webhooks_are_sent_twice_late_and_in_the_wrong_order_on_request() -> None:
    receiver = Receiver()
    told = [Webhook(b"1"), Webhook(b"2")]
    send(receiver, told)
    send(receiver, told, copies=2, reverse=True, delay_s=1.5)
    assert receiver.bodies == [b"1", b"2", b"2", b"2", b"1", b"1"]
    assert receiver.waits == [1.5] * 4


def test_the_events_of_one_run_happen_one_after_the_other() -> None:
    times = moments(3, now=NOW)
    assert times == sorted(set(times))
    assert times[-1] == NOW
