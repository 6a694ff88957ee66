"""Errors as they are described: the one shape they have, and what each status means."""

from __future__ import annotations

import http
from typing import TYPE_CHECKING

from infra.docs_build.openapi.schemas import array, object_schema, reference, text
from kv_common import errors

if TYPE_CHECKING:
    from infra.docs_build.openapi.operation import Json

_CLASSES = (
    errors.ValidationError,
    errors.Unauthorized,
    errors.Forbidden,
    errors.NotFound,
    errors.MethodNotAllowed,
    errors.Conflict,
    errors.PreconditionFailed,
    errors.PayloadTooLarge,
    errors.RateLimited,
    errors.QuotaExceeded,
    errors.Internal,
    errors.Unavailable,
)

MEANINGS = {
    400: "The request is malformed; `details` says where.",
    401: "The credential is missing, unknown, revoked or expired.",
    403: "The credential is good and does not allow this.",
    404: "It does not exist, or belongs to somebody else.",
    405: "The path does not take this method; `Allow` names those it takes.",
    409: "The request contradicts the present state; `details.reason` says how.",
    412: "`If-Match` or `If-None-Match` does not hold.",
    413: "The body is too large.",
    429: "Too many requests (`RATE_LIMITED`), or the month's are used up (`QUOTA_EXCEEDED`).",
    500: "A defect on our side; the correlation id finds it.",
    503: "Something we depend on does not answer. Try again later.",
}

FIELD_ERROR: Json = {
    **object_schema(
        {
            "field": text(description="The path of the field, such as `namespaces.0`, or the name of a header."),
            "code": text(description="Stable: programs may compare it. For example `required` or `out_of_range`."),
            "message": text(description="For people, and free to change."),
        },
        ("field", "code", "message"),
    ),
    "description": "A field that is wrong.",
}
DETAILS: Json = {
    "anyOf": [{"type": "object"}, array(reference("FieldError"), minItems=1)],
    "description": "More about the error: every wrong field of a `VALIDATION_ERROR`, an object for other codes.",
}
SCHEMA: Json = object_schema(
    {
        "error": object_schema(
            {
                "code": {
                    "type": "string",
                    "enum": [one.code for one in _CLASSES],
                    "description": "Stable: programs may compare it.",
                },
                "message": {"type": "string", "description": "For people, and free to change."},
                "correlation_id": text(r"[A-Za-z0-9._-]{1,64}", description="The answer's `X-Correlation-Id`."),
                "details": reference("Details"),
            },
            ("code", "message", "correlation_id"),
        )
    },
    ("error",),
    description="Every error has this shape.",
)


def phrase(status: int) -> str:
    """The name of a status."""
    return http.HTTPStatus(status).phrase
