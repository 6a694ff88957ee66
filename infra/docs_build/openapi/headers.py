"""The headers of answers, each described once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.docs_build.openapi.schemas import integer, text

if TYPE_CHECKING:
    from infra.docs_build.openapi.operation import Json

_COUNT = {"type": "integer", "minimum": 0}


def _always(says: str, schema: Json) -> Json:
    return {"description": says, "required": True, "schema": schema}


def _sometimes(says: str, schema: Json) -> Json:
    return {"description": says, "schema": schema}


CATALOG: dict[str, Json] = {
    "X-Correlation-Id": _always(
        "The request's own `X-Correlation-Id` where it fits, else a new one. It stands in every log line and event.",
        text(r"[A-Za-z0-9._-]{1,64}"),
    ),
    "X-API-Version": _always("The version of the API.", {"type": "string", "const": "1"}),
    "X-RateLimit-Limit": _always("Requests a second.", _COUNT),
    "X-RateLimit-Remaining": _always("Requests left in this second.", _COUNT),
    "X-RateLimit-Reset": _always("When the bucket is full again, in seconds since 1970.", _COUNT),
    "X-Quota-Limit": _always("Requests a month.", _COUNT),
    "X-Quota-Remaining": _always("Requests left in this month.", _COUNT),
    "X-Quota-Reset": _always("When the month turns (UTC), in seconds since 1970.", _COUNT),
    "RateLimit-Policy": _always(
        "Both limits in the form of the IETF's draft.",
        text(r'"rps";q=\d+;w=1, "month";q=\d+;w=\d+', examples=['"rps";q=100;w=1, "month";q=1000000;w=2592000']),
    ),
    "RateLimit": _always(
        "What is left of both, and in how many seconds it is more.",
        text(r'"rps";r=\d+;t=\d+, "month";r=\d+;t=\d+', examples=['"rps";r=57;t=1, "month";r=812345;t=864000']),
    ),
    "Retry-After": _always("After how many seconds to try again.", integer(1, 2_678_400)),
    "WWW-Authenticate": _sometimes("How to say who you are.", {"type": "string"}),
    "ETag": _always(
        "The version of what is answered, for `If-Match` and `If-None-Match`.", text(r'"[A-Za-z0-9]{12,64}"')
    ),
    "Last-Modified": _always("When the value was last written, to the second.", {"type": "string"}),
    "X-Expires-At": _sometimes("When the value expires; absent when it never does.", text(format="date-time")),
    "X-Metadata": _sometimes("The value's metadata as JSON in ASCII; absent when it has none.", {"type": "string"}),
    "Location": _always(
        "Where the very same bytes are for five minutes, to be fetched by GET without a credential.", text(format="uri")
    ),
    "X-Value-Size": _always("The size of the value's JSON text in bytes.", _COUNT),
    "Idempotent-Replayed": _sometimes(
        "`true` when this is the recorded answer to an earlier request with the same `Idempotency-Key`.",
        {"type": "string", "const": "true"},
    ),
    "Cache-Control": _always("How long the answer may be kept.", {"type": "string"}),
    "Content-Security-Policy": _always("The page shows itself, and nothing else.", {"type": "string"}),
}

ALWAYS = ("X-Correlation-Id", "X-API-Version")
"""On every answer."""

METERED = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Quota-Limit",
    "X-Quota-Remaining",
    "X-Quota-Reset",
    "RateLimit-Policy",
    "RateLimit",
)
"""On every answer to a request that was counted against an account's limits, or refused by them."""
