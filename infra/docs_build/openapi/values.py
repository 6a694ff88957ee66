"""kv's operations on values."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from infra.docs_build.openapi.operation import Access, Answer, Example, Json, Operation, Parameter
from infra.docs_build.openapi.schemas import integer, nullable, object_body, text
from infra.docs_build.openapi.shared import (
    KEY,
    KEY_NAME,
    KEY_PREFIX,
    NAMESPACE,
    PLAN,
    TAGS,
    Count,
    Timestamp,
    cursor,
    errors,
    limit,
    one_of,
)
from kv_service.http import value_requests
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
CONFLICT = "`details.reason` says what is in the way: {}`idempotency_key_reused` or `idempotency_in_flight`."
ELSEWHERE = (
    "The answer is too large to be given here; it is where `Location` says, for five minutes. Rare, and never so for "
    "who sends `Accept-Encoding: gzip`, unless several values are asked for at once."
)
TOO_LARGE = "Too much: `details.reason` is `value_size`, `metadata_size` or `storage_quota` (the plan is full)."


class Key(msgspec.Struct):
    """A key without its value."""

    key: Annotated[str, Meta(extra_json_schema=KEY_NAME)]
    size: Annotated[Count, Meta(description="The size of the value's JSON text in bytes.")]
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Annotated[Timestamp, Meta(description="Absent when it never expires.")] | UnsetType = UNSET
    metadata: Annotated[dict[str, Any], Meta(description="Absent when there is none.")] | UnsetType = UNSET


class Value(msgspec.Struct):
    """A value."""

    value: Annotated[Any, Meta(description="Byte for byte as it was put.")]


class ListedKey(Key):
    """A key in a list; `metadata` and `etag` come with `include=metadata`."""

    etag: str | UnsetType = UNSET


class Keys(msgspec.Struct):
    """A page of keys; without a `cursor` it is the last. It may be shorter than asked for though a cursor follows."""

    keys: tuple[ListedKey, ...]
    cursor: str | UnsetType = UNSET


class Incremented(Key, kw_only=True):
    """The number, and its key."""

    value: Annotated[int, Meta(extra_json_schema=INT64)]


class RateNow(msgspec.Struct):
    """Requests a second."""

    limit: Count
    burst: Annotated[Count, Meta(description="Requests at once.")]
    remaining: Count
    reset_ms: Annotated[Count, Meta(description="Milliseconds until the bucket is full.")]


class QuotaNow(msgspec.Struct):
    """Requests a month."""

    limit: Count
    used: Count
    remaining: Count
    resets_at: Timestamp


class StorageNow(msgspec.Struct):
    """Bytes of keys, values and metadata."""

    limit: Count
    used: Count


class LimitsNow(msgspec.Struct):
    """What the account may do, and how much of it is left."""

    plan: Annotated[str, Meta(extra_json_schema=PLAN)]
    rate: RateNow
    quota: QuotaNow
    storage: StorageNow


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
        summary="Store a value",
        says="It replaces all there was: without `ttl` it never expires, without `metadata` it has none. A body that "
        "the gateway finds too large (6 MB, in which a quotation mark counts twice) passes with "
        "`Content-Encoding: gzip` and `Content-Type: application/octet-stream`.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY),
        body=PUT_BODY,
        example=Example("/v1/app/user:1", '{"value": {"name": "Ada", "visits": 1}, "ttl": 3600}'),
        answers={
            201: Answer("There was no such key.", Key, WRITTEN),
            200: Answer("The value is replaced.", Key, WRITTEN),
        },
        errors=metered("write", 412, _409=CONFLICT.format(""), _413=TOO_LARGE),
    ),
    Operation(
        route="GET /v1/{namespace}/{key}",
        id="getValue",
        tag="Values",
        summary="Read a value",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(
            NAMESPACE,
            KEY,
            Parameter("fields", "query", FIELDS, "Only these members of an object, with dots into nested ones."),
            CONSISTENCY_STRONG,
            IF_MATCH,
            IF_NONE_MATCH,
        ),
        example=Example("/v1/app/user:1?fields=name"),
        answers={
            200: Answer("The value.", Value, (*VALIDATORS, "X-Metadata")),
            304: Answer("It is still the version of `If-None-Match`.", None, VALIDATORS),
            307: Answer(ELSEWHERE, None, (*VALIDATORS, "X-Metadata", "Location")),
        },
        errors=metered("read", 412, _409="`fields` was asked of a value that is no object (`not_an_object`)."),
    ),
    Operation(
        route="HEAD /v1/{namespace}/{key}",
        id="headValue",
        tag="Values",
        summary="Read about a value",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, CONSISTENCY_STRONG, IF_MATCH, IF_NONE_MATCH),
        example=Example("/v1/app/user:1"),
        answers={
            200: Answer("The value is there.", None, (*VALIDATORS, "X-Value-Size", "X-Metadata")),
            304: Answer("It is still the version of `If-None-Match`.", None, VALIDATORS),
        },
        errors=metered("read", 412),
    ),
    Operation(
        route="PATCH /v1/{namespace}/{key}",
        id="patchValue",
        tag="Values",
        summary="Change a part of a value",
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
        summary="Count",
        says="Adds to a whole number, which begins at 0. Without a body it adds 1.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH, IDEMPOTENCY_KEY),
        body=INCREMENT_BODY,
        example=Example("/v1/app/visits/increment", '{"by": 5}'),
        answers={200: Answer("The number as it is now.", Incremented, WRITTEN)},
        errors=metered("write", 412, _409=CONFLICT.format("`not_an_integer`, `out_of_range`, "), _413=TOO_LARGE),
    ),
    Operation(
        route="GET /v1/{namespace}",
        id="listKeys",
        tag="Values",
        summary="List keys",
        says="In order, a page at a time, without their values.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(
            NAMESPACE,
            Parameter("prefix", "query", KEY_PREFIX, "Only keys that begin so."),
            limit(pages.MAX_PAGE, pages.DEFAULT_PAGE),
            cursor("keys"),
            Parameter("include", "query", one_of("metadata"), "Each key's metadata and ETag too."),
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
        summary="Delete a value",
        says="The same when there is none.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, KEY, IF_MATCH),
        example=Example("/v1/app/user:2"),
        answers={204: Answer("There is no such key any more.")},
        errors=metered("delete", 412),
    ),
    Operation(
        route="GET /v1/limits",
        id="getLimits",
        tag="Values",
        summary="What is left of the limits",
        says="It consumes nothing, whichever scopes the key has.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        example=Example("/v1/limits"),
        answers={200: Answer("The limits.", LimitsNow)},
        errors=errors(_401=_UNPROVED),
    ),
)
