"""The rules of alerts, without any store."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from alerts_service.model import LEASE_MS, MAIL_ATTEMPTS, alert_id, given_alert_id
from infra.repository import Repository

TIMES = st.integers(min_value=0, max_value=4_102_444_800_000_000)  # until 2100, in microseconds


@given(st.text(max_size=20), st.text(max_size=40), TIMES)
def test_an_event_makes_the_same_alert_however_often_it_comes(name: str, event_id: str, at_us: int) -> None:
    made = alert_id(name, event_id, at_us)

    assert made == alert_id(name, event_id, at_us)
    assert given_alert_id(made) == made


@given(TIMES, TIMES, st.text(max_size=9), st.text(max_size=9))
def test_alerts_sort_by_time(one_us: int, other_us: int, one: str, other: str) -> None:
    if one_us < other_us:
        assert alert_id("E", one, one_us) < alert_id("E", other, other_us)


def test_the_queue_gives_a_mail_as_many_tries_as_the_sender_counts() -> None:
    resources = json.loads((Repository.here().root / "services/alerts/resources.json").read_text())["Resources"]

    assert resources["MailQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == MAIL_ATTEMPTS


def test_a_sender_owns_a_mail_for_longer_than_it_may_run() -> None:
    config = json.loads((Repository.here().root / "services/alerts/.chalice/config.json").read_text())

    assert config["lambda_timeout"] * 1000 < LEASE_MS < 180_000
