"""The response bodies of billing's routes: their schemas, which tests check every response against."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from billing_service.model import Status
from kv_common.http.models import Count, PlanName, ResponseModel, Timestamp


class Limits(ResponseModel):
    """The limits of a plan."""

    requests_per_second: Count
    burst: Annotated[Count, Field(description="The capacity of the token bucket.")]
    requests_per_month: Count
    storage_bytes: Count


class Plan(ResponseModel):
    """A plan of the price list; one without a `price_id` is not for sale."""

    name: PlanName
    price_per_month: Annotated[Count, Field(description="In whole dollars.")]
    limits: Limits
    price_id: str | None


class Plans(ResponseModel):
    """The price list, cheapest first."""

    currency: Literal["USD"]
    plans: tuple[Plan, ...]


class ScheduledChange(ResponseModel):
    """A change of the plan that is already scheduled."""

    plan: PlanName
    reason: Status
    effective_at: Timestamp


class Subscription(ResponseModel):
    """The account's plan and its subscription."""

    plan: PlanName
    status: Literal["none"] | Status
    limits: Limits
    subscription_id: str | None = None
    current_period_ends_at: Timestamp | None = None
    scheduled_change: ScheduledChange | None = None


class PlanChange(ResponseModel):
    """A change of the plan that Paddle has been asked for."""

    plan: PlanName
    status: Literal["changing"]


class CheckoutData(ResponseModel):
    """The signed owner of the purchase; pass it on unchanged."""

    account_id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    price_id: str
    token: str


class Checkout(ResponseModel):
    """The parameters of Paddle.js."""

    price_id: str
    custom_data: CheckoutData
    environment: str
    client_token: str | None = None


class Portal(ResponseModel):
    """A link to Paddle's customer portal, valid for a while."""

    url: str
