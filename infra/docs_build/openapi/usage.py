"""The prose and the examples of usage's operations."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Answer, Example, Operation
from infra.docs_build.openapi.shared import health

OPERATIONS = (
    Operation(
        route="GET /v1/usage",
        id="getUsage",
        tag="Usage",
        summary="Get usage",
        says="The usage of this month. Requests are counted with a delay of a minute, storage within seconds.",
        example=Example("/v1/usage"),
        answers={200: Answer("The usage of this month so far.")},
    ),
    Operation(
        route="GET /v1/usage/history",
        id="getUsageHistory",
        tag="Usage",
        summary="Get usage history",
        example=Example("/v1/usage/history?granularity=month"),
        answers={200: Answer("The history.")},
        errors={400: "The request is malformed, or the history ends before it begins or is too long.", 404: ""},
    ),
    health("usage", {"dynamodb": ("ok", "down")}),
)
