"""Held against Paddle every hour: what no webhook told is found, and what is due takes place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billing_service.errors import PaddleRefused
from billing_service.reconciliation import Reconciliation
from infra.paddle_simulator.entities import Scheduled
from kv_common.errors import Unavailable
from tests.unit.billing.fakes import ACCOUNT, NOW, NOW_US, OTHER, FakeBillingStore, FakePaddle, bought, ledger, tell

DAY_US = 86_400_000_000


class Scene:
    """Two accounts, Paddle, and the hourly run at a time of the test's choosing."""

    def __init__(self, *, sells: bool = True) -> None:
        self.store, self.paddle = FakeBillingStore(ACCOUNT, OTHER), FakePaddle()
        self.ledger = ledger(self.store, self.paddle)
        self.now_us = NOW_US
        self.measured: list[str] = []
        self.lines: list[dict[str, object]] = []
        self._run = Reconciliation(
            self.ledger,
            self.store,
            self.paddle,
            sells=sells,
            now_us=lambda: self.now_us,
            emit_metric=self.measured.append,
            log=self.lines.append,
        )

    def run(self) -> dict[str, int]:
        return self._run.run("correlation")

    def plan(self) -> str:
        return self.store.accounts[ACCOUNT].plan


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_was_bought_without_a_word_is_found(scene: Scene) -> None:
    scene.paddle.knows(bought("pro"), NOW)
    assert scene.run() == {"applied": 1, "refused": 0, "looked_after": 0, "failed": 0}
    assert scene.plan() == "pro"
    assert scene.run()["applied"] == 0
    assert len(scene.store.told) == 1


def test_what_is_known_better_by_webhook_stays(scene: Scene) -> None:
    scene.paddle.knows(bought("pro"), NOW)
    tell(scene.ledger, "subscription.updated", bought("scale"), NOW + timedelta(seconds=1))
    assert scene.run()["applied"] == 0
    assert scene.plan() == "scale"


def test_an_end_without_a_word_is_found_after_the_paid_period(scene: Scene) -> None:
    tell(scene.ledger, "subscription.activated", bought("pro"))
    scene.paddle.knows(bought("pro").after("subscription.canceled"), NOW + timedelta(days=3))
    scene.now_us = NOW_US + 29 * DAY_US
    assert scene.run()["looked_after"] == 0
    scene.now_us = NOW_US + 31 * DAY_US
    assert scene.run() == {"applied": 1, "refused": 0, "looked_after": 1, "failed": 0}
    assert scene.plan() == "free"


def test_an_arranged_end_takes_place_also_when_paddle_does_not_answer(scene: Scene) -> None:
    leaving = replace(bought("pro"), scheduled=Scheduled("cancel", NOW + timedelta(days=1)))
    tell(scene.ledger, "subscription.updated", leaving)
    scene.paddle.available = False
    scene.now_us += DAY_US
    report = scene.run()
    assert (report["applied"], report["looked_after"], report["failed"] > 0) == (1, 1, True)
    assert (scene.plan(), scene.measured) == ("free", ["ReconciliationFailed"])
    assert all("reason" in line for line in scene.lines if line.get("level") == "ERROR")


def test_an_end_that_was_called_off_does_not_take_place(scene: Scene) -> None:
    leaving = replace(bought("pro"), scheduled=Scheduled("cancel", NOW + timedelta(days=1)))
    tell(scene.ledger, "subscription.updated", leaving)
    scene.paddle.knows(bought("pro"), NOW + timedelta(hours=1))
    scene.now_us += DAY_US
    scene.run()
    assert scene.plan() == "pro"


def test_nobody_pays_twice_after_an_upgrade_by_checkout(scene: Scene) -> None:
    tell(scene.ledger, "subscription.activated", bought("starter", number=1))
    tell(scene.ledger, "subscription.activated", bought("pro", number=2), NOW + timedelta(days=1))
    scene.paddle.knows(bought("starter", number=1), NOW)
    scene.paddle.knows(bought("pro", number=2), NOW + timedelta(days=1))
    scene.run()
    assert [request for request in scene.paddle.requests if request[0] == "cancel"] == [("cancel", bought(number=1).id)]
    assert scene.plan() == "pro"


@pytest.mark.parametrize("event", ["subscription.updated", "subscription.past_due"])
def test_what_is_left_when_the_better_plan_ends_is_not_taken_away(scene: Scene, event: str) -> None:
    better = bought("pro", number=2).after(event)
    if event == "subscription.updated":
        better = replace(better, scheduled=Scheduled("cancel", NOW + timedelta(days=9)))
    tell(scene.ledger, "subscription.activated", bought("starter", number=1))
    tell(scene.ledger, event, better)
    scene.now_us += 40 * DAY_US
    scene.run()
    assert [request for request in scene.paddle.requests if request[0] == "cancel"] == []


def test_what_others_sell_through_the_same_account_of_paddles_is_passed_over(scene: Scene) -> None:
    scene.paddle.knows(replace(bought(number=8), price_id="pri_01other"), NOW)
    scene.paddle.knows(replace(bought(number=9), custom_data=None), NOW)
    scene.paddle.knows(bought("pro"), NOW)
    assert scene.run() == {"applied": 1, "refused": 2, "looked_after": 0, "failed": 0}
    assert scene.measured == []


def test_one_account_that_fails_does_not_stop_the_others(scene: Scene) -> None:
    for account_id in (ACCOUNT, OTHER):
        leaving = replace(bought("pro", account_id), scheduled=Scheduled("cancel", NOW))
        tell(scene.ledger, "subscription.updated", leaving)
        scene.paddle.knows(leaving, NOW)
    scene.paddle.entities.pop(bought(account_id=ACCOUNT).id)
    report = scene.run()
    assert (report["looked_after"], report["applied"], report["failed"]) == (2, 2, 1)


def test_a_key_that_paddle_does_not_take_is_reported(scene: Scene) -> None:
    scene.paddle.refusal = PaddleRefused(403, "forbidden")
    assert scene.run()["failed"] == 1
    assert scene.measured == ["ReconciliationFailed"]


def test_a_stage_that_sells_nothing_asks_nobody() -> None:
    scene = Scene(sells=False)
    scene.paddle.available = False
    assert scene.run() == {"applied": 0, "refused": 0, "looked_after": 0, "failed": 0}
    assert (scene.paddle.requests, scene.measured) == ([], [])


def test_a_table_that_does_not_answer_ends_the_run(scene: Scene) -> None:
    scene.store.problem = Unavailable()
    with pytest.raises(Unavailable):
        scene.run()
