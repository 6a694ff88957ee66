"""Paddle's API over HTTP, from the simulator's server."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from billing_service.errors import PaddleRefused, PaddleUnavailable
from billing_service.paddle import paddle_events
from billing_service.paddle.http_client import HttpPaddle
from infra.paddle_simulator.api import PaddleApi
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.subscription_store import SubscriptionStore
from kv_common.errors import Unavailable
from tests.unit.billing.fakes import ACCOUNT, NOW, bought, prices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Scene:
    """Paddle's server, what it knows, and our client of it."""

    def __init__(self, folder: Path) -> None:
        self.shelf = SubscriptionStore(folder)
        self.api = PaddleApi(self.shelf)
        self.api.start()
        self.client = HttpPaddle(self.api.url, lambda: "pdl_key")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.api.stop()


def status_of(data: bytes) -> str:
    return paddle_events.read_subscription(data, prices())[0].status


def test_a_subscription_is_read_as_webhooks_have_it(scene: Scene) -> None:
    scene.shelf.put(bought(), NOW)
    told, custom_data = paddle_events.read_subscription(scene.client.subscription(bought().id), prices())
    assert (told.id, told.plan, told.at_us) == (bought().id, "pro", 1_795_176_000_250_000)
    assert custom_data["account_id"] == ACCOUNT


def test_the_open_ones_are_listed_without_those_that_have_ended(scene: Scene) -> None:
    for number, event in enumerate(("subscription.activated", "subscription.paused", "subscription.canceled")):
        scene.shelf.put(bought(number=number).after(event), NOW)
    assert sorted(status_of(data) for data in scene.client.open_subscriptions()) == ["active", "paused"]


def test_the_price_is_changed(scene: Scene) -> None:
    scene.shelf.put(bought("pro"), NOW)
    scene.client.change_price(bought().id, PRICES["scale"])
    told, _ = paddle_events.read_subscription(scene.client.subscription(bought().id), prices())
    assert told.plan == "scale"


def test_ending_a_subscription_twice_is_ending_it_once(scene: Scene) -> None:
    scene.shelf.put(bought(), NOW - timedelta(days=1))
    scene.client.cancel(bought().id)
    scene.client.cancel(bought().id)
    assert status_of(scene.client.subscription(bought().id)) == "canceled"


def test_the_portals_link_is_returned(scene: Scene) -> None:
    assert scene.client.portal(bought().customer_id, bought().id).endswith(bought().customer_id)


def test_a_refusal_has_paddles_code(scene: Scene) -> None:
    with pytest.raises(PaddleRefused) as refusal:
        scene.client.cancel("sub_nobody")
    assert (refusal.value.status, refusal.value.code) == (404, "entity_not_found")


def test_an_id_is_no_path(scene: Scene) -> None:
    with pytest.raises(PaddleRefused):
        scene.client.subscription("../customers/ctm_1?x=")


def test_an_api_that_is_down_is_unavailable(scene: Scene) -> None:
    scene.api.available = False
    with pytest.raises(PaddleUnavailable):
        scene.client.subscription(bought().id)
    scene.api.stop()
    with pytest.raises(PaddleUnavailable):
        scene.client.subscription(bought().id)


def test_one_that_is_not_configured_is_unavailable_too(scene: Scene) -> None:
    def unreadable() -> str:
        raise Unavailable

    clients = [
        HttpPaddle("", lambda: "key"),
        HttpPaddle(scene.api.url, lambda: ""),
        HttpPaddle(scene.api.url, unreadable),
    ]
    for client in clients:
        with pytest.raises(PaddleUnavailable):
            client.subscription(bought().id)


@pytest.mark.parametrize("next_page", ["https://elsewhere.example/subscriptions", "", "http://127.0.0.1"])
def test_our_key_does_not_follow_a_page_that_is_somewhere_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, next_page: str
) -> None:
    page = {"data": [], "meta": {"pagination": {"next": next_page, "has_more": True}}}
    monkeypatch.setattr(scene.api, "answer", lambda *_: (200, page))
    with pytest.raises(PaddleUnavailable):
        list(scene.client.open_subscriptions())


def test_nor_does_it_follow_a_redirect(scene: Scene) -> None:
    scene.shelf.put(bought(), NOW)
    target = f"{scene.api.url}/subscriptions/{bought().id}"
    reply = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def redirect(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(reply.encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=redirect, args=(listener,), daemon=True)
        thread.start()
        client = HttpPaddle(f"http://127.0.0.1:{listener.getsockname()[1]}", lambda: "pdl_key")
        with pytest.raises(PaddleRefused) as refusal:
            client.subscription(bought().id)
        thread.join(timeout=5)
    assert refusal.value.status == 302


def test_every_page_is_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"some": "entity"}

    def response(_method: str, target: str, _body: object) -> tuple[int, dict[str, object]]:
        more = "after=" not in target
        pagination = {"next": f"{scene.api.url}/subscriptions?after=x", "has_more": more}
        return 200, {"data": [one], "meta": {"pagination": pagination}}

    monkeypatch.setattr(scene.api, "answer", response)
    assert len(list(scene.client.open_subscriptions())) == 2


def test_an_answer_in_another_form_is_no_answer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.api, "answer", lambda *_: (200, {"nothing": None}))
    with pytest.raises(PaddleUnavailable):
        scene.client.subscription(bought().id)
