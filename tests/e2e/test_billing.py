"""Plans and subscriptions over HTTP, with Paddle simulated, up to the events on the bus."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra.paddle_simulator.entities import Scheduled
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.simulator import PATH, webhook
from kv_common.plans import CATALOG
from tests.support.function_logs import function_logs
from tests.support.paddle import Customer
from tests.support.tenant import sign_up, stack_output
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from infra.local.environment import LocalEnvironment

DEAD = "kv-local-billing-webhooks-dlq"


class Listener:
    """A queue of its own on the bus: what billing has told of an account, in the order of arrival."""

    def __init__(self, local: LocalEnvironment) -> None:
        self._sqs = local.aws_client("sqs")
        self._events = local.aws_client("events")
        self._name = f"test-{uuid.uuid4().hex[:8]}"
        self._url: str = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        self._events.put_rule(
            Name=self._name, EventBusName="kv-local", EventPattern=json.dumps({"source": ["kv.billing"]})
        )
        self._events.put_targets(
            Rule=self._name, EventBusName="kv-local", Targets=[{"Id": "1", "Arn": attributes["QueueArn"]}]
        )
        self.heard: list[dict[str, Any]] = []

    def of(self, account_id: str) -> list[dict[str, Any]]:
        """Return what was heard about the account so far."""
        response = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in response.get("Messages", []):
            self.heard.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in self.heard if event["detail"]["account_id"] == account_id]

    def close(self) -> None:
        self._events.remove_targets(Rule=self._name, EventBusName="kv-local", Ids=["1"])
        self._events.delete_rule(Name=self._name, EventBusName="kv-local")
        self._sqs.delete_queue(QueueUrl=self._url)


@pytest.fixture(scope="module")
def bus(local: LocalEnvironment) -> Iterator[Listener]:
    listener = Listener(local)
    yield listener
    listener.close()


@pytest.fixture
def customer(local: LocalEnvironment, http: httpx.Client) -> Customer:
    return Customer(local, http, sign_up(local, http))


def await_plan(customer: Customer, plan: str, **also: Any) -> dict[str, Any]:
    """Return what the customer sees once the plan is `plan`."""

    def seen() -> dict[str, Any] | None:
        shown = customer.subscription()
        return shown if shown["plan"] == plan and also.items() <= shown.items() else None

    found = await_value(seen, within=15)
    assert found is not None
    return found


def account_of(customer: Customer) -> str:
    return str((customer.bought.custom_data or {})["account_id"])


def invoke(local: LocalEnvironment, output: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Call a function of billing's by the output that names it."""
    response = local.aws_client("lambda").invoke(
        FunctionName=stack_output(local, "billing", output), Payload=json.dumps(payload).encode()
    )
    result: dict[str, Any] = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, result
    return result


def reconcile(local: LocalEnvironment) -> dict[str, Any]:
    """Let the hour pass: call the function as its schedule does."""
    now = "2026-11-20T12:00:00Z"
    source = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": [], "id": "1"}
    scheduled = {**source, "version": "0", "account": "000000000000", "region": "us-east-1", "time": now}
    return invoke(local, "ReconcileSubscriptionsName", scheduled)


def buried(local: LocalEnvironment, event_id: str) -> dict[str, Any] | None:
    """Return the dead letter that holds an event of Paddle's, and take it out."""
    sqs = local.aws_client("sqs")
    url = sqs.get_queue_url(QueueName=DEAD)["QueueUrl"]
    response = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    for message in response.get("Messages", []):
        if json.loads(message["Body"])["event_id"] == event_id:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found: dict[str, Any] = message
            return found
    return None


def test_price_list_is_public_and_cacheable(http: httpx.Client) -> None:
    response = http.get("/v1/billing/plans")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=300"
    plans = {plan["name"]: plan for plan in response.json()["plans"]}
    assert list(plans) == list(CATALOG)
    assert plans["pro"]["limits"]["requests_per_month"] == CATALOG["pro"].requests_per_month
    assert (plans["pro"]["price_id"], plans["free"]["price_id"]) == (PRICES["pro"], None)


def test_checkout_buys_the_plan_for_the_account_that_opened_it(
    http: httpx.Client, customer: Customer, bus: Listener
) -> None:
    assert customer.subscription()["plan"] == "free"
    response = http.post("/v1/billing/checkout", json={"plan": "pro"}, headers=customer.tenant.bearer)
    assert response.status_code == 200, response.text
    checkout = response.json()
    assert checkout["price_id"] == PRICES["pro"]

    customer.bought = replace(customer.bought, custom_data=checkout["custom_data"])
    assert customer.tell("subscription.activated").status_code == 200
    shown = await_plan(customer, "pro", status="active")
    assert shown["limits"]["requests_per_second"] == CATALOG["pro"].requests_per_second

    [told] = await_value(lambda: bus.of(account_of(customer)), within=10)
    assert (told["detail-type"], told["source"]) == ("PlanChanged", "kv.billing")
    data = told["detail"]["data"]
    assert (data["from"], data["to"], data["limits"]) == ("free", "pro", shown["limits"])
    assert data["subscription_id"] == customer.bought.id
    refused = http.post("/v1/billing/checkout", json={"plan": "starter"}, headers=customer.tenant.bearer)
    assert (refused.status_code, refused.json()["error"]["details"]["reason"]) == (409, "downgrade")


def test_canceled_subscription_is_active_until_the_end_of_its_period(customer: Customer, bus: Listener) -> None:
    customer.tell("subscription.activated")
    await_plan(customer, "pro")
    ends = datetime.now(UTC) + timedelta(days=20)
    customer.tell("subscription.updated", scheduled=Scheduled("cancel", ends))

    shown = await_value(lambda: customer.subscription().get("scheduled_change"), within=10)
    assert (shown["plan"], shown["reason"]) == ("free", "canceled")
    assert datetime.fromisoformat(shown["effective_at"]) == ends
    assert customer.subscription()["plan"] == "pro"

    customer.tell("subscription.canceled")
    await_plan(customer, "free", status="canceled")
    names = await_value(
        lambda: [event["detail-type"] for event in bus.of(account_of(customer))][2:] and bus.of(account_of(customer)),
        within=10,
    )
    assert sorted(event["detail-type"] for event in names) == ["PlanChangeScheduled", "PlanChanged", "PlanChanged"]


def test_end_without_a_webhook_is_found_by_the_next_reconciliation(local: LocalEnvironment, customer: Customer) -> None:
    customer.tell("subscription.activated")
    customer.tell("subscription.updated", scheduled=Scheduled("cancel", datetime.now(UTC) - timedelta(seconds=1)))
    await_value(lambda: customer.subscription().get("scheduled_change"), within=10)
    local.paddle.available = False
    try:
        assert reconcile(local)["applied"] == 1
    finally:
        local.paddle.available = True
    assert customer.subscription()["plan"] == "free"


def test_change_without_a_webhook_is_found_by_the_next_reconciliation(
    local: LocalEnvironment, customer: Customer
) -> None:
    customer.tell("subscription.activated")
    await_plan(customer, "pro")
    local.paddle_shelf.put(replace(customer.bought, price_id=PRICES["scale"]), datetime.now(UTC))
    reconcile(local)
    assert customer.subscription()["plan"] == "scale"


def test_failed_payment_is_published_and_the_plan_is_kept(customer: Customer, bus: Listener) -> None:
    customer.tell("subscription.activated")
    await_plan(customer, "pro")
    customer.tell("transaction.payment_failed")
    customer.tell("subscription.past_due")
    await_plan(customer, "pro", status="past_due")
    told = await_value(
        lambda: [e for e in bus.of(account_of(customer)) if e["detail-type"] == "PaymentFailed"], within=10
    )
    assert told[0]["detail"]["data"]["amount"] == CATALOG["pro"].price * 100
    assert told[0]["detail"]["data"]["currency"] == "USD"


def test_owner_can_change_the_plan_and_open_the_portal(http: httpx.Client, customer: Customer) -> None:
    bearer = customer.tenant.bearer
    none = http.post("/v1/billing/portal", headers=bearer)
    assert (none.status_code, none.json()["error"]["details"]["reason"]) == (409, "no_subscription")
    customer.tell("subscription.activated", plan="starter")
    await_plan(customer, "starter")

    link = http.post("/v1/billing/portal", headers=bearer)
    assert (link.status_code, link.json()["url"].startswith("https://")) == (200, True)
    changed = http.patch("/v1/billing/subscription", json={"plan": "scale"}, headers=bearer)
    assert changed.status_code == 202, changed.text
    # Paddle has done it; its webhook is what makes it hold here.
    customer.tell("subscription.updated", plan="scale")
    await_plan(customer, "scale")


def test_custom_limits_apply_on_the_business_plan(local: LocalEnvironment, customer: Customer) -> None:
    customer.tell("subscription.activated", plan="business")
    await_plan(customer, "business")
    request = {"account_id": account_of(customer), "limits": {"storage_bytes": 5_000_000_000_000}}
    assert invoke(local, "AgreeLimitsName", request)["limits"]["storage_bytes"] == 5_000_000_000_000
    assert customer.subscription()["limits"]["storage_bytes"] == 5_000_000_000_000


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("unknown_price", {"price_id": "pri_01h0000000000000000000somebody"}),
        ("unbound", {"custom_data": None}),
        ("unbound", {"custom_data": {"account_id": "victim", "price_id": PRICES["pro"], "token": "0" * 64}}),
    ],
)
def test_invalid_webhook_is_dead_lettered(
    local: LocalEnvironment, customer: Customer, reason: str, changes: dict[str, Any]
) -> None:
    bought = replace(customer.bought, **changes)
    told = webhook("subscription.activated", bought, datetime.now(UTC))
    event_id = json.loads(told.body)["event_id"]
    assert customer.simulator.send(told).status_code == 200

    letter = await_value(lambda: buried(local, event_id), within=15)
    assert letter["MessageAttributes"]["reason"]["StringValue"] == reason
    lines = [json.loads(line) for line in function_logs(local) if event_id in line]
    assert [line["reason"] for line in lines if line.get("outcome") == "refused"] == [reason]
    assert customer.subscription() == {"plan": "free", "status": "none", "limits": customer.subscription()["limits"]}


def test_deleted_account_is_purged_and_its_subscription_canceled(local: LocalEnvironment, customer: Customer) -> None:
    account_id = account_of(customer)
    customer.tell("subscription.activated")
    await_plan(customer, "pro")
    detail = {
        "id": f"{account_id}#deleted",
        "version": 1,
        "occurred_at": "2026-11-20T10:00:00.000000Z",
        "account_id": account_id,
        "correlation_id": "deletion",
        "data": {},
    }
    entry = {"EventBusName": "kv-local", "Source": "kv.auth", "DetailType": "AccountDeleted"}
    local.aws_client("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])

    table = stack_output(local, "billing", "TableName")

    def traces() -> list[Any]:
        pages = local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"] if account_id in json.dumps(item)]

    await_value(lambda: not traces(), within=15)
    assert (local.paddle_shelf.entity(customer.bought.id) or {})["status"] == "canceled"

    told = webhook("subscription.activated", customer.bought, datetime.now(UTC))
    customer.simulator.send(told)
    letter = await_value(lambda: buried(local, json.loads(told.body)["event_id"]), within=15)
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "deleted_account"
    assert traces() == []


def test_webhook_is_rejected_without_its_queue_and_redelivered(local: LocalEnvironment, customer: Customer) -> None:
    lambdas = local.aws_client("lambda")
    name = stack_output(local, "billing", "APIHandlerName")
    before = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    gone = {**before, "WEBHOOK_QUEUE_URL": before["WEBHOOK_QUEUE_URL"] + "-gone"}
    told = webhook("subscription.activated", customer.bought, datetime.now(UTC))
    lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": gone})
    try:
        response = customer.simulator.send(told)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "UNAVAILABLE")
        assert customer.subscription()["plan"] == "free"
    finally:
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": before})
    assert customer.simulator.send(told).status_code == 200
    await_plan(customer, "pro")


def test_unsigned_webhook_is_rejected(http: httpx.Client, customer: Customer) -> None:
    told = webhook("subscription.activated", customer.bought, datetime.now(UTC))
    for header in (None, "", "ts=1;h1=" + "0" * 64, told.header(["wrong"], sent_s=time.time())):
        response = http.post(PATH, content=told.body, headers={} if header is None else {"Paddle-Signature": header})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHORIZED")


def test_billing_reports_its_health(http: httpx.Client) -> None:
    response = http.get("/v1/health/billing")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert response.json()["dependencies"] == {"dynamodb": "ok", "webhook_secret": "ok"}
