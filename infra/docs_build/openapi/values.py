"""kv's operations on values."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Access, Answer, Example, Json, Operation, Parameter
from infra.docs_build.openapi.schemas import integer, nullable, object_body, text
from infra.docs_build.openapi.shared import (
    KEY,
    KEY_PREFIX,
    NAMESPACE,
    TAGS,
    cursor,
    errors,
    limit,
    one_of,
)
from kv_service.http import value_requests
from kv_service.http.response_models import Incremented, Key, Keys, LimitsNow, Value
from kv_service.values import idempotency, pages
from kv_service.values import model as versions

INT64 = integer(versions.LEAST_INTEGER, versions.GREATEST_INTEGER)
VALUE: Json = {"description": f"Any JSON of at most {versions.MAX_VALUE_BYTES:,} bytes; it comes back byte for byte."}
TTL = nullable(integer(1, versions.MAX_TTL_S, description="Seconds until the value expires; null is never."))
METADATA = nullable(
    {
        "type": "object",
        "description": f"Goes with the value: {versions.MAX_METADATA_BYTES:,} bytes of JSON at most; null is none.",
    }
)
_PATH = r"[^,.]+(\.[^,.]+)*"
FIELDS = text(rf"{_PATH}(,{_PATH}){{0,{value_requests.MAX_FIELDS - 1}}}", examples=["name,address.city"])
IF_MATCH = Parameter("If-Match", "header", TAGS, "Only if the value has one of these ETags; `*` is any value.")
IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", TAGS, "Only if the value has none of these ETags; `*` is only if there is none."
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    text(idempotency._KEY),
    "Makes repeating safe: for 24 hours the same key gets the first answer again.",
)
CONSISTENCY_STRONG = Parameter(
    "consistency",
    "query",
    {**one_of("strong", "eventual"), "default": "strong"},
    "`eventual` may miss the last second's writes.",
)
CONSISTENCY_EVENTUAL = Parameter(
    "consistency",
    "query",
    {**one_of("eventual", "strong"), "default": "eventual"},
    "`strong` sees every write that was answered.",
)

VALIDATORS = ("ETag", "Last-Modified", "X-Expires-At")
WRITTEN = (*VALIDATORS, "Idempotent-Replayed")
_UNPROVED = "The key or token is missing, unknown, revoked or expired."
_NO_SCOPE = "The API key is not for this namespace, or lacks the scope `{}`."
CONFLICT = "`details.reason` is {}`idempotency_key_reused` or `idempotency_in_flight`."
ELSEWHERE = (
    "The answer is too large to be given here; it is where `Location` says, for five minutes. Rare, and never so for "
    "who sends `Accept-Encoding: gzip`, unless several values are asked for at once."
)
TOO_LARGE = "Too much: `details.reason` is `value_size`, `metadata_size` or `storage_quota` (the plan is full)."


def metered(scope: str, *statuses: int, **meanings: str) -> dict[int, str]:
    """The errors of an operation that is counted: those of the gate, and its own."""
    return errors(
        429, *statuses, _401=_UNPROVED, _403=_NO_SCOPE.format(scope), _404=meanings.pop("_404", ""), **meanings
    )


PUT_BODY = object_body("NewValue", {"value": VALUE, "ttl": TTL, "metadata": METADATA}, ("value",))
PATCH_MEMBERS = {
    "value": {"type": "object", "description": "A merge patch (RFC 7386): null removes a member."},
    "ttl": TTL,
    "metadata": METADATA,
}
PATCH_BODY = object_body("Patch", PATCH_MEMBERS, minProperties=1)
INCREMENT_MEMBERS = {"by": {**INT64, "default": 1}, "ttl": TTL}
INCREMENT_BODY = object_body("Increment", INCREMENT_MEMBERS, required=False)
OPERATIONS = (
    Operation(
        route="PUT /v1/{namespace}/{key}",
        id="putValue",
        tag="Values",
        summary="Put value",
        says="Replaces value, expiry and metadata: without `ttl` the value never expires. A body that "
        "the gateway finds too large (6 MB, in which a quotation mark counts twice) passes with "
        "`Content-Encoding: gzip` and `Content-Type: application/octet-stream`.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY),
        body=PUT_BODY,
        example=Example("/v1/app/user:1", '{"value": {"name": "Ada", "visits": 1}, "ttl": 3600}'),
        answers={
            201: Answer("The key is created.", Key, WRITTEN),
            200: Answer("The value is replaced.", Key, WRITTEN),
        },
        errors=metered("write", 412, _409=CONFLICT.format(""), _413=TOO_LARGE),
    ),
    Operation(
        route="GET /v1/{namespace}/{key}",
        id="getValue",
        tag="Values",
        summary="Get value",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(
            NAMESPACE,
            KEY,
            Parameter("fields", "query", FIELDS, "Only these fields of an object; dots select nested fields."),
            CONSISTENCY_STRONG,
            IF_MATCH,
            IF_NONE_MATCH,
        ),
        example=Example("/v1/app/user:1?fields=name"),
        answers={
            200: Answer("The value.", Value, (*VALIDATORS, "X-Metadata")),
            304: Answer("The value still has an ETag of `If-None-Match`.", None, VALIDATORS),
            307: Answer(ELSEWHERE, None, (*VALIDATORS, "X-Metadata", "Location")),
        },
        errors=metered("read", 412, _409="`fields` was asked of a value that is no object (`not_an_object`)."),
    ),
    Operation(
        route="HEAD /v1/{namespace}/{key}",
        id="headValue",
        tag="Values",
        summary="Get value headers",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, CONSISTENCY_STRONG, IF_MATCH, IF_NONE_MATCH),
        example=Example("/v1/app/user:1"),
        answers={
            200: Answer("The value exists.", None, (*VALIDATORS, "X-Value-Size", "X-Metadata")),
            304: Answer("The value still has an ETag of `If-None-Match`.", None, VALIDATORS),
        },
        errors=metered("read", 412),
    ),
    Operation(
        route="PATCH /v1/{namespace}/{key}",
        id="patchValue",
        tag="Values",
        summary="Patch value",
        says="`value` is merged into the stored object. What the patch does not touch keeps its bytes; an absent "
        "`ttl` or `metadata` stays, null clears it.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH, IDEMPOTENCY_KEY),
        body=PATCH_BODY,
        example=Example("/v1/app/user:1", '{"value": {"visits": 2}, "ttl": null}'),
        answers={200: Answer("The value is changed.", Key, WRITTEN)},
        errors=metered("write", 412, _409=CONFLICT.format("`not_an_object`, "), _413=TOO_LARGE),
    ),
    Operation(
        route="POST /v1/{namespace}/{key}/increment",
        id="incrementValue",
        tag="Values",
        summary="Increment value",
        says="Adds to an integer, which starts at 0. Without a body it adds 1.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH, IDEMPOTENCY_KEY),
        body=INCREMENT_BODY,
        example=Example("/v1/app/visits/increment", '{"by": 5}'),
        answers={200: Answer("The incremented number.", Incremented, WRITTEN)},
        errors=metered("write", 412, _409=CONFLICT.format("`not_an_integer`, `out_of_range`, "), _413=TOO_LARGE),
    ),
    Operation(
        route="GET /v1/{namespace}",
        id="listKeys",
        tag="Values",
        summary="List keys",
        says="In order, page by page, without values.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(
            NAMESPACE,
            Parameter("prefix", "query", KEY_PREFIX, "Only keys with this prefix."),
            limit(pages.MAX_PAGE, pages.DEFAULT_PAGE),
            cursor("keys"),
            Parameter("include", "query", one_of("metadata"), "Also return each key's metadata and ETag."),
            CONSISTENCY_EVENTUAL,
        ),
        example=Example("/v1/app?prefix=user:&limit=10&include=metadata"),
        answers={200: Answer("A page of keys.", Keys)},
        errors=metered("list"),
    ),
    Operation(
        route="DELETE /v1/{namespace}/{key}",
        id="deleteValue",
        tag="Values",
        summary="Delete value",
        says="Idempotent.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH),
        example=Example("/v1/app/user:2"),
        answers={204: Answer("The key is deleted or did not exist.")},
        errors=metered("delete", 412),
    ),
    Operation(
        route="GET /v1/limits",
        id="getLimits",
        tag="Values",
        summary="Get limits",
        says="Is not counted, and requires no scope.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        example=Example("/v1/limits"),
        answers={200: Answer("The limits.", LimitsNow)},
        errors=errors(_401=_UNPROVED),
    ),
)
