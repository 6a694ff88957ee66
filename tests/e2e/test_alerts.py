"""Events of an account reach its owner as one alert and one mail each."""

from __future__ import annotations

import random
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kv_common.events import (
    AccountDeleted,
    ApiKeyIssued,
    Contract,
    Event,
    PaymentFailed,
    PlanChanged,
    PlanChangeScheduled,
    PlanLimits,
    ThresholdCrossed,
)
from tests.support.alerts import (
    alerts,
    await_alerts,
    is_empty,
    items_containing,
    mails,
    purge_mail_queue,
    queue_depth,
)
from tests.support.bus import new_event, publish
from tests.support.tenant import Tenant, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment

JSON = dict[str, Any]
PRO = PlanLimits(requests_per_second=100, burst=200, requests_per_month=1_000_000, storage_bytes=10_000_000_000)


@pytest.fixture(autouse=True, scope="module")
def only_own_mails(local: LocalEnvironment) -> None:
    purge_mail_queue(local)


def crossed(threshold: int, *, period: str = "2026-11") -> ThresholdCrossed:
    return ThresholdCrossed(
        period=period, metric="requests", threshold=threshold, used=threshold * 100, limit=10_000, plan="free"
    )


def everything() -> list[tuple[str, str, Contract]]:
    moment = "2026-12-01T00:00:00Z"
    return [
        ("kv.usage", "usage_threshold", crossed(80)),
        (
            "kv.billing",
            "plan_changed",
            PlanChanged(
                from_plan="free", to_plan="pro", limits=PRO, effective_at=moment, changed_at_us=1, source_event="evt_1"
            ),
        ),
        (
            "kv.billing",
            "plan_change_scheduled",
            PlanChangeScheduled(from_plan="pro", to_plan="free", effective_at=moment, reason="canceled"),
        ),
        (
            "kv.billing",
            "payment_failed",
            PaymentFailed(amount=1500, currency="USD", subscription_id=None, next_attempt_at=moment),
        ),
    ]


def test_every_event_becomes_one_alert_and_one_mail(local: LocalEnvironment, owner: Tenant) -> None:
    for source, _, data in everything():
        publish(local, source, [new_event(owner.account_id, data)])
    key = owner.new_key(namespaces=["app"])
    assert owner.http.delete(f"/v1/api-keys/{key['id']}", headers=owner.bearer).status_code == 204
    kinds = ["welcome", *(kind for _, kind, _ in everything()), "api_key_issued", "api_key_revoked"]
    found = await_alerts(owner, *kinds)
    assert [alert["created_at"] for alert in found] == sorted((alert["created_at"] for alert in found), reverse=True)
    sent = mails(local, owner)
    assert sorted(mail["Subject"] for mail in sent) == sorted(alert["title"] for alert in found)
    for alert in found:
        (mail,) = (mail for mail in sent if mail["Subject"] == alert["title"])
        assert alert["message"] in mail["BodyText"]
    # The digest of a revoked key is for kv alone.
    revoked = next(alert for alert in found if alert["kind"] == "api_key_revoked")
    assert sorted(revoked["data"]) == ["display", "key_id", "reason"]


def test_a_thousand_deliveries_of_three_thresholds_are_three_alerts_and_three_mails(
    local: LocalEnvironment, owner: Tenant
) -> None:
    three = [new_event(owner.account_id, crossed(threshold)) for threshold in (80, 90, 100)]
    deliveries = [three[index % 3] for index in range(1000)]
    random.Random(7).shuffle(deliveries)

    def deliver(part: list[Event]) -> None:
        publish(local, "kv.usage", part)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, [deliveries[start : start + 50] for start in range(0, 1000, 50)]))
    # Every one of them has been taken, and none has failed.
    await_value(lambda: is_empty(local, "alerts-events"), within=120)
    found = await_alerts(owner, "welcome", *["usage_threshold"] * 3, within=60)
    assert sorted(alert["data"]["threshold"] for alert in found if alert["kind"] == "usage_threshold") == [80, 90, 100]
    await_value(lambda: is_empty(local, "alerts-mail"), within=60)
    assert len(mails(local, owner)) == 4
    assert queue_depth(local, "alerts-events-dlq") == 0


def test_alert_is_visible_to_its_account_only(local: LocalEnvironment, http: httpx.Client, owner: Tenant) -> None:
    other = sign_up(local, http)
    publish(local, "kv.usage", [new_event(owner.account_id, crossed(90))])
    await_alerts(owner, "welcome", "usage_threshold")
    await_alerts(other, "welcome")
    stolen = alerts(owner)[0]["id"]
    missing = f"alert_{'0' * 17}"
    for alert_id in (stolen, missing, "nonsense"):
        response = http.post(f"/v1/alerts/{alert_id}/read", headers=other.bearer)
        assert response.status_code == 404
        assert response.json()["error"]["message"] == "There is no such alert."
    assert not alerts(owner)[0]["read"]
    cursor = http.get("/v1/alerts?limit=1", headers=owner.bearer).json()["cursor"]
    assert http.get(f"/v1/alerts?limit=1&cursor={cursor}", headers=owner.bearer).status_code == 200
    assert http.get(f"/v1/alerts?limit=1&cursor={cursor}", headers=other.bearer).status_code == 400
    assert http.get(f"/v1/alerts?unread=true&cursor={cursor}", headers=owner.bearer).status_code == 400


def test_marking_an_alert_as_read_is_stored_and_idempotent(owner: Tenant) -> None:
    (alert,) = alerts(owner)
    assert not alert["read"]
    for _ in range(2):
        assert owner.http.post(f"/v1/alerts/{alert['id']}/read", headers=owner.bearer).status_code == 204
    assert alerts(owner)[0]["read"]
    assert alerts(owner, "?unread=true") == []


def test_pages_list_every_alert_once_newest_first(local: LocalEnvironment, owner: Tenant) -> None:
    told = [new_event(owner.account_id, crossed(80, period=f"2027-{month:02}")) for month in range(1, 8)]
    publish(local, "kv.usage", told)
    whole = await_alerts(owner, "welcome", *["usage_threshold"] * 7)
    read, query = [], "?limit=3"
    for _ in range(3):
        page = owner.http.get(f"/v1/alerts{query}", headers=owner.bearer).json()
        read += page["alerts"]
        query = f"?limit=3&cursor={page.get('cursor')}"
    assert "cursor" not in page
    assert [alert["id"] for alert in read] == [alert["id"] for alert in whole]


def test_preferences_control_alerts_and_mails(local: LocalEnvironment, owner: Tenant) -> None:
    path = "/v1/alerts/preferences"
    assert owner.http.get(path, headers=owner.bearer).json() == {"email": True, "thresholds": [80, 90, 100]}
    wanted = {"email": False, "thresholds": [100]}
    assert owner.http.put(path, json=wanted, headers=owner.bearer).json() == wanted
    assert owner.http.get(path, headers=owner.bearer).json() == wanted
    publish(local, "kv.usage", [new_event(owner.account_id, crossed(threshold)) for threshold in (80, 90, 100)])
    found = await_alerts(owner, "welcome", "usage_threshold")
    assert (found[0]["data"]["threshold"], found[0]["email"]) == (100, {"status": "off"})
    await_value(lambda: is_empty(local, "alerts-events") and is_empty(local, "alerts-mail"), within=30)
    assert len(alerts(owner)) == 2
    assert len(mails(local, owner)) == 1


def test_unsubscribe_link_turns_mail_off_after_confirmation(local: LocalEnvironment, owner: Tenant) -> None:
    (mail,) = mails(local, owner)
    (link,) = re.findall(r"http://\S+/v1/alerts/unsubscribe\?token=\S+", mail["BodyText"])
    assert link in mail["BodyHtml"]
    request = httpx.get(link, trust_env=False)
    assert request.status_code == 200
    assert request.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in request.headers["Content-Security-Policy"]
    path = "/v1/alerts/preferences"
    assert owner.http.get(path, headers=owner.bearer).json()["email"] is True
    # As mail programs do it: RFC 8058.
    clicked = httpx.post(link, data={"List-Unsubscribe": "One-Click"}, trust_env=False)
    assert clicked.status_code == 200
    off = owner.http.get(path, headers=owner.bearer).json()
    assert (off["email"], off["email_off"]["reason"]) == (False, "unsubscribed")
    again = {"email": True, "thresholds": [80, 90, 100]}
    assert owner.http.put(path, json=again, headers=owner.bearer).json() == again


def test_deleted_account_leaves_no_alerts_and_late_events_create_none(local: LocalEnvironment, owner: Tenant) -> None:
    publish(local, "kv.usage", [new_event(owner.account_id, crossed(80))])
    await_alerts(owner, "welcome", "usage_threshold")
    before = len(mails(local, owner))
    publish(local, "kv.auth", [new_event(owner.account_id, AccountDeleted())])
    await_value(lambda: not items_containing(local, owner.account_id), within=30)
    late = [new_event(owner.account_id, data) for _, _, data in everything()]
    publish(local, "kv.usage", [event for event in late if event.name == "ThresholdCrossed"])
    publish(local, "kv.billing", [event for event in late if event.name != "ThresholdCrossed"])
    publish(
        local,
        "kv.auth",
        [
            new_event(
                owner.account_id, ApiKeyIssued(key_id="key_1", display="kv_live_x", namespaces=("*",), scopes=("read",))
            )
        ],
    )
    await_value(lambda: is_empty(local, "alerts-events") and is_empty(local, "alerts-mail"), within=30)
    assert items_containing(local, owner.account_id) == []
    assert alerts(owner) == []
    assert len(mails(local, owner)) == before
    refused = owner.http.put("/v1/alerts/preferences", json={"email": True, "thresholds": []}, headers=owner.bearer)
    assert refused.status_code == 401
    assert items_containing(local, owner.account_id) == []


def test_event_reaches_the_mailbox_within_seconds(local: LocalEnvironment, owner: Tenant) -> None:
    count = 120
    told: dict[str, float] = {}
    for number in range(count):
        display = f"kv_live_{uuid.uuid4().hex[:8]}"
        event = new_event(
            owner.account_id,
            ApiKeyIssued(key_id=f"key_{number:012}", display=display, namespaces=("*",), scopes=("read",)),
        )
        told[display] = time.time()
        publish(local, "kv.auth", [event])
        time.sleep(0.05)  # a stream of events, not one burst
    sent = await_value(lambda: found if len(found := mails(local, owner)) > count else [], within=60)
    lags = sorted(
        float(mail["Timestamp"]) - at for display, at in told.items() for mail in sent if display in mail["BodyText"]
    )
    assert len(lags) == count
    p50, p99 = lags[count // 2], lags[int(count * 0.99)]
    print(f"\nfrom PutEvents to the mailbox: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms ({count} events)")
    assert p99 < 10
