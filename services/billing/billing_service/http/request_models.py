"""The request bodies of billing's routes; unknown fields are refused."""

from __future__ import annotations

from kv_common.http.models import PlanName, RequestModel


class WantedPlan(RequestModel):
    """POST /v1/billing/checkout and PATCH /v1/billing/subscription."""

    plan: PlanName
