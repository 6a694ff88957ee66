"""billing's operations."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from billing_service import webhook_queue
from billing_service.http import request_models
from billing_service.model import Status
from infra.docs_build.openapi.operation import Access, Answer, Body, Example, Operation
from infra.docs_build.openapi.schemas import struct_body
from infra.docs_build.openapi.shared import PLAN, Count, Done, Timestamp, errors, health

PlanName = Annotated[str, Meta(extra_json_schema=PLAN)]


class Limits(msgspec.Struct):
    """What a plan allows."""

    requests_per_second: Count
    burst: Annotated[Count, Meta(description="Requests at once.")]
    requests_per_month: Count
    storage_bytes: Count


class Plan(msgspec.Struct):
    """A plan of the price list; without a `price_id` it is not for sale."""

    name: PlanName
    price_per_month: Annotated[Count, Meta(description="In whole dollars.")]
    limits: Limits
    price_id: str | None


class Plans(msgspec.Struct):
    """The price list, cheapest first."""

    currency: Literal["USD"]
    plans: tuple[Plan, ...]


class ScheduledChange(msgspec.Struct):
    """What is arranged already."""

    plan: PlanName
    reason: Status
    effective_at: Timestamp


class Subscription(msgspec.Struct):
    """The account's plan, and the subscription behind it."""

    plan: PlanName
    status: Annotated[str, Meta(extra_json_schema={"enum": ["none", *Status]})]
    limits: Limits
    subscription_id: str | UnsetType = UNSET
    current_period_ends_at: Timestamp | UnsetType = UNSET
    scheduled_change: ScheduledChange | UnsetType = UNSET


class PlanChange(msgspec.Struct):
    """A change that is under way."""

    plan: PlanName
    status: Literal["changing"]


class CheckoutData(msgspec.Struct):
    """Says whose purchase it is; hand it on as it is."""

    account_id: uuid.UUID
    price_id: str
    token: str


class Checkout(msgspec.Struct):
    """What Paddle.js is opened with."""

    price_id: str
    custom_data: CheckoutData
    environment: str
    client_token: str | UnsetType = UNSET


class Portal(msgspec.Struct):
    """A link that opens Paddle's portal for a while."""

    url: str


WANTED = struct_body(request_models.Wanted, plan=PLAN)
_NO_ACCOUNT = "The credential is missing or has expired, or its account was deleted."

OPERATIONS = (
    Operation(
        route="GET /v1/billing/plans",
        id="listPlans",
        tag="Billing",
        summary="The price list",
        access=Access.PUBLIC,
        example=Example("/v1/billing/plans"),
        answers={200: Answer("The plans.", Plans, ("Cache-Control",))},
        errors=errors(),
    ),
    Operation(
        route="GET /v1/billing/subscription",
        id="getSubscription",
        tag="Billing",
        summary="The account's plan",
        access=Access.SESSION,
        example=Example("/v1/billing/subscription"),
        answers={200: Answer("The plan and its subscription.", Subscription)},
        errors=errors(401),
    ),
    Operation(
        route="POST /v1/billing/checkout",
        id="openCheckout",
        tag="Billing",
        summary="Buy a better plan",
        access=Access.SESSION,
        body=WANTED,
        example=Example("/v1/billing/checkout", '{"plan": "pro"}'),
        answers={200: Answer("What Paddle.js is opened with.", Checkout)},
        errors=errors(
            413,
            _401=_NO_ACCOUNT,
            _409="It cannot be bought; `details.reason` is `same_plan`, `downgrade` or `not_for_sale`.",
        ),
    ),
    Operation(
        route="PATCH /v1/billing/subscription",
        id="changePlan",
        tag="Billing",
        summary="Move to another plan",
        says="Up or down; Paddle settles the rest of the period. It takes effect when Paddle has told us so.",
        access=Access.SESSION,
        body=WANTED,
        example=Example("/v1/billing/subscription", '{"plan": "scale"}', needs="a subscription"),
        answers={202: Answer("Paddle has been asked.", PlanChange)},
        errors=errors(
            413,
            _401=_NO_ACCOUNT,
            _409="It cannot be done; `details.reason` is `no_subscription`, `same_plan`, `downgrade`, "
            "`not_for_sale`, `past_due` or `refused`.",
        ),
    ),
    Operation(
        route="POST /v1/billing/portal",
        id="openPortal",
        tag="Billing",
        summary="A link to invoices, payment methods and cancelling",
        access=Access.SESSION,
        body=struct_body(request_models.Nothing, required=False),
        example=Example("/v1/billing/portal", needs="a subscription"),
        answers={200: Answer("The link.", Portal)},
        errors=errors(413, _401=_NO_ACCOUNT, _409="The account has no subscription (`no_subscription`)."),
    ),
    Operation(
        route="POST /v1/webhooks/paddle",
        id="takeWebhook",
        tag="Billing",
        summary="Where Paddle tells what happened",
        says="Its signature is checked over the very bytes of the body, which is then stored and applied later.",
        access=Access.SIGNED,
        body=Body("PaddleEvent", {"type": "object", "description": "An event as Paddle sends it."}),
        example=Example(
            "/v1/webhooks/paddle",
            "$EVENT",
            headers=("Paddle-Signature: $SIGNATURE",),
            needs="an event signed with the webhook's secret",
        ),
        answers={200: Answer("It is stored.", Done)},
        errors=errors(
            _401="The signature is missing, wrong or too old.",
            _413=f"The event has more than {webhook_queue.MAX_BYTES} bytes.",
            _503="It could not be stored, or no secret is set yet.",
        ),
    ),
    health("billing", {"dynamodb": ("ok", "down"), "webhook_secret": ("ok", "missing", "down")}),
)
