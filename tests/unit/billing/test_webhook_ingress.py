"""POST /v1/webhooks/paddle: what is signed is stored, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from billing_service.http.app import create_app
from billing_service.webhook_queue import MAX_BYTES
from infra.paddle_simulator.simulator import PATH, Webhook, webhook
from kv_common.errors import Unavailable
from tests.unit.billing.fakes import NOW, SECRET, bought
from tests.unit.billing.harness import Harness
from tests.unit.common import gateway
from tests.unit.common.gateway import Context, error_of

SENT = NOW.timestamp()
TOLD = webhook("subscription.activated", bought(), NOW)
HEADER = TOLD.header([SECRET], sent_s=SENT)


def post(
    harness: Harness, body: bytes = TOLD.body, header: str | None = HEADER, *, late_s: float = 0
) -> dict[str, Any]:
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    if header is not None:
        headers["paddle-signature"] = header
    event = gateway.event("POST", PATH, headers=headers)
    event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
    event["requestContext"]["timeEpoch"] = int((SENT + late_s) * 1000)
    response: dict[str, Any] = harness.api(event, Context())
    return response


def test_a_signed_webhook_is_stored_as_it_came() -> None:
    harness = Harness()
    response = post(harness)
    assert (response["statusCode"], json.loads(response["body"])) == (200, {"status": "stored"})
    assert harness.webhook_queue.stored == [(TOLD.body.decode(), response["headers"]["X-Correlation-Id"])]
    assert harness.measured == []


def test_nothing_is_read_of_it_before_it_is_stored() -> None:
    harness = Harness()
    body = b'{"event_type": "of a time to come"'
    assert post(harness, body, Webhook(body).header([SECRET], sent_s=SENT))["statusCode"] == 200
    assert harness.webhook_queue.stored[0][0] == body.decode()
    assert harness.store.told == []


@pytest.mark.parametrize(("late_s", "status"), [(0, 200), (4.5, 200), (-5, 200), (6, 401), (-6, 401)])
def test_its_age_is_judged_by_the_time_it_reached_the_gateway(late_s: float, status: int) -> None:
    assert post(Harness(), late_s=late_s)["statusCode"] == status


@pytest.mark.parametrize(
    "header",
    [None, "", "ts=1", "nonsense", HEADER[:-1], HEADER.replace("ts=", "ts=-")],
    ids=["absent", "empty", "time only", "nonsense", "cut", "negative time"],
)
def test_one_without_a_valid_signature_is_refused_and_counted(header: str | None) -> None:
    harness = Harness()
    response = post(harness, header=header)
    assert (response["statusCode"], error_of(response)["code"]) == (401, "UNAUTHORIZED")
    assert (harness.webhook_queue.stored, harness.measured) == ([], ["WebhookUnauthorized"])


@pytest.mark.parametrize("secrets", ['{"webhook_secrets": []}', '{"webhook_secrets": [""]}', "{}"])
def test_without_a_secret_none_is_taken_and_health_says_so(secrets: str) -> None:
    harness = Harness(paddle_secret=secrets)
    for header in (HEADER, TOLD.header([""], sent_s=SENT), None):
        response = post(harness, header=header)
        assert (response["statusCode"], error_of(response)["code"]) == (503, "UNAVAILABLE")
    assert harness.webhook_queue.stored == []
    health = json.loads(harness.ask("GET", "/v1/health/billing", token=None)["body"])
    assert (health["status"], health["dependencies"]["webhook_secret"]) == ("degraded", "missing")


@pytest.mark.parametrize("secrets", ["", "no JSON", '{"webhook_secrets": "abc"}', '["abc"]'])
def test_secrets_that_cannot_be_read_refuse_everything(secrets: str) -> None:
    assert post(Harness(paddle_secret=secrets))["statusCode"] == 503


def test_a_queue_that_does_not_take_it_makes_paddle_send_it_again() -> None:
    harness = Harness()
    harness.webhook_queue.down = True
    response = post(harness)
    assert (response["statusCode"], error_of(response)["code"]) == (503, "UNAVAILABLE")
    harness.webhook_queue.down = False
    assert post(harness)["statusCode"] == 200


def test_a_body_that_no_message_can_hold_is_refused_before_anything_else() -> None:
    harness = Harness()
    body = b"x" * (MAX_BYTES + 1)
    assert post(harness, body, Webhook(body).header([SECRET], sent_s=SENT))["statusCode"] == 413
    body = b"x" * MAX_BYTES
    assert post(harness, body, Webhook(body).header([SECRET], sent_s=SENT))["statusCode"] == 200


def test_a_signed_body_that_is_no_text_is_refused() -> None:
    body = b"\xff\xfe"
    assert post(Harness(), body, Webhook(body).header([SECRET], sent_s=SENT))["statusCode"] == 401


def test_no_line_of_the_log_holds_a_signature_a_secret_or_a_body() -> None:
    harness = Harness()
    post(harness)
    post(harness, header=HEADER[:-1])
    text = json.dumps(harness.lines)
    for kept in (SECRET, HEADER.split("h1=")[1][:20], "custom_data", bought().customer_id):
        assert kept not in text


def intact(header: str) -> bool:
    """Say whether the one time and the digest still stand in a header, whatever stands beside them."""
    time, digest = HEADER.split(";")
    parts = header.split(";")
    return digest in parts and [part for part in parts if part.partition("=")[0] == "ts"] == [time]


edits = st.lists(
    st.tuples(st.sampled_from(["replace", "insert", "delete"]), st.integers(0, 10_000), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    changed = bytearray(content)
    for kind, place, value in changes:
        at = place % (len(changed) + (kind == "insert")) if changed else 0
        if kind == "insert":
            changed.insert(at, value)
        elif changed and kind == "delete":
            del changed[at]
        elif changed:
            changed[at] = value
    return bytes(changed)


WORLD = Harness()
REFUSALS = {400, 401, 413}


@settings(max_examples=2_500, deadline=None)
@given(edits)
def test_an_altered_header_is_never_accepted_and_never_an_error_of_ours(changes: list[tuple[str, int, int]]) -> None:
    header = edited(HEADER.encode(), changes).decode("latin-1")
    assume(not intact(header))
    assert post(WORLD, header=header)["statusCode"] in REFUSALS


@settings(max_examples=2_500, deadline=None)
@given(edits)
def test_an_altered_body_is_never_accepted_and_never_an_error_of_ours(changes: list[tuple[str, int, int]]) -> None:
    body = edited(TOLD.body, changes)
    assume(body != TOLD.body)
    assert post(WORLD, body)["statusCode"] in REFUSALS
    assert WORLD.webhook_queue.stored == []


def test_the_routes_of_a_service_without_its_table_still_take_webhooks() -> None:
    harness = Harness()
    harness.store.problem = Unavailable()
    assert post(harness)["statusCode"] == 200


def test_nothing_is_bound_when_the_application_is_made() -> None:
    def fail() -> Any:
        raise AssertionError("bound too early")

    assert create_app(fail).routes[PATH]
