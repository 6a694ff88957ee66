"""kv's operations that serve this very document."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Access, Answer, Example, Operation, Parameter
from infra.docs_build.openapi.shared import TAGS, errors

VALIDATORS = (
    Parameter("If-Match", "header", TAGS, "Only if it is still this one."),
    Parameter("If-None-Match", "header", TAGS, "The ETag of the one you have."),
)
CACHED = ("ETag", "Cache-Control")
NOT_MODIFIED = Answer("It is the one you have.", None, CACHED)

OPERATIONS = (
    Operation(
        route="GET /v1/openapi.json",
        id="getOpenApi",
        tag="Documents",
        summary="The API as OpenAPI 3.1",
        access=Access.PUBLIC,
        parameters=VALIDATORS,
        example=Example("/v1/openapi.json"),
        answers={200: Answer("The document.", {"type": "object"}, CACHED), 304: NOT_MODIFIED},
        errors=errors(412),
    ),
    Operation(
        route="GET /v1/docs",
        id="getDocs",
        tag="Documents",
        summary="The API as a page to read",
        access=Access.PUBLIC,
        parameters=VALIDATORS,
        example=Example("/v1/docs"),
        answers={
            200: Answer("The page.", {"type": "string"}, (*CACHED, "Content-Security-Policy"), media_type="text/html"),
            304: NOT_MODIFIED,
        },
        errors=errors(412),
    ),
)
