"""The prose and the examples of kv's operations on namespaces."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Answer, Example, Operation
from infra.docs_build.openapi.shared import health
from kv_service.namespaces.model import MAX_NAMESPACES

OPERATIONS = (
    Operation(
        route="POST /v1/namespaces",
        id="createNamespace",
        tag="Namespaces",
        summary="Create namespace",
        example=Example("/v1/namespaces", '{"name": "app"}'),
        answers={201: Answer("The namespace.")},
        errors={409: f"The namespace exists, or the account has {MAX_NAMESPACES} already."},
    ),
    Operation(
        route="GET /v1/namespaces",
        id="listNamespaces",
        tag="Namespaces",
        summary="List namespaces",
        example=Example("/v1/namespaces"),
        answers={200: Answer("The namespaces.")},
    ),
    Operation(
        route="GET /v1/namespaces/{namespace}",
        id="getNamespace",
        tag="Namespaces",
        summary="Get namespace",
        example=Example("/v1/namespaces/app"),
        answers={200: Answer("The namespace.")},
    ),
    Operation(
        route="DELETE /v1/namespaces/{namespace}",
        id="deleteNamespace",
        tag="Leaving",
        summary="Delete namespace",
        says="Its values are not readable any more; they are deleted after the response, which frees the name.",
        example=Example("/v1/namespaces/app"),
        answers={202: Answer("The namespace is closed; its values are being deleted.")},
    ),
)
HEALTH = (health("kv", {"redis": ("ok", "down"), "dynamodb": ("ok", "down")}),)
