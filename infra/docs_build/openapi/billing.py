"""The prose and the examples of billing's operations."""

from __future__ import annotations

from billing_service import webhook_queue
from infra.docs_build.openapi.operation import Access, Answer, Body, Example, Operation
from infra.docs_build.openapi.shared import errors, health
from kv_common.http.models import OperationStatus

_NO_ACCOUNT = {401: "The credential is missing or has expired, or its account was deleted."}

OPERATIONS = (
    Operation(
        route="GET /v1/billing/plans",
        id="listPlans",
        tag="Billing",
        summary="List plans",
        example=Example("/v1/billing/plans"),
        answers={200: Answer("The plans.", headers=("Cache-Control",))},
    ),
    Operation(
        route="GET /v1/billing/subscription",
        id="getSubscription",
        tag="Billing",
        summary="Get subscription",
        example=Example("/v1/billing/subscription"),
        answers={200: Answer("The plan and its subscription.")},
    ),
    Operation(
        route="POST /v1/billing/checkout",
        id="openCheckout",
        tag="Billing",
        summary="Open checkout",
        says="For an account without a subscription.",
        example=Example("/v1/billing/checkout", '{"plan": "pro"}'),
        answers={200: Answer("The parameters of Paddle.js.")},
        errors=_NO_ACCOUNT
        | {409: "The plan cannot be bought; `details.reason` is `same_plan`, `downgrade` or `not_for_sale`."},
    ),
    Operation(
        route="PATCH /v1/billing/subscription",
        id="changePlan",
        tag="Billing",
        summary="Change plan",
        says="Up or down; Paddle prorates the current period. The change takes effect when Paddle confirms it.",
        example=Example("/v1/billing/subscription", '{"plan": "scale"}', needs="a subscription"),
        answers={202: Answer("Paddle has been asked for the change.")},
        errors=_NO_ACCOUNT
        | {
            409: "The plan cannot be changed; `details.reason` is `no_subscription`, `same_plan`, `downgrade`, "
            "`not_for_sale`, `past_due` or `refused`.",
        },
    ),
    Operation(
        route="POST /v1/billing/portal",
        id="openPortal",
        tag="Billing",
        summary="Open customer portal",
        says="Invoices, payment methods and cancellation.",
        example=Example("/v1/billing/portal", needs="a subscription"),
        answers={200: Answer("The link.")},
        errors=_NO_ACCOUNT | {409: "The account has no subscription (`no_subscription`)."},
    ),
    Operation(
        route="POST /v1/webhooks/paddle",
        id="takeWebhook",
        tag="Billing",
        summary="Receive Paddle webhook",
        says="The signature is verified over the exact bytes of the body, which is stored and applied later.",
        access=Access.SIGNED,
        body=Body("PaddleEvent", {"type": "object", "description": "An event as Paddle sends it."}),
        example=Example(
            "/v1/webhooks/paddle",
            "$EVENT",
            headers=("Paddle-Signature: $SIGNATURE",),
            needs="an event signed with the webhook's secret",
        ),
        answers={200: Answer("The event is stored.", OperationStatus)},
        errors=errors(
            _401="The signature is missing, wrong or too old.",
            _413=f"The event has more than {webhook_queue.MAX_BYTES} bytes.",
            _503="The event could not be stored, or no webhook secret is configured.",
        ),
    ),
    health("billing", {"dynamodb": ("ok", "down"), "webhook_secret": ("ok", "missing", "down")}),
)
