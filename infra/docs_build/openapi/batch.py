"""kv's operation on many values at once."""

from __future__ import annotations

from infra.docs_build.openapi.operation import Access, Answer, Example, Json, Operation
from infra.docs_build.openapi.schemas import array, object_body, object_schema
from infra.docs_build.openapi.shared import KEY_NAME, NAMESPACE, TAGS
from infra.docs_build.openapi.values import (
    CONFLICT,
    ELSEWHERE,
    FIELDS,
    IDEMPOTENCY_KEY,
    INCREMENT_MEMBERS,
    METADATA,
    PATCH_MEMBERS,
    TOO_LARGE,
    TTL,
    VALUE,
    metered,
)
from kv_service.http.batch_requests import _MEMBERS, MAX_OPERATIONS
from kv_service.http.response_models import Results
from kv_service.values.read_budget import MAX_READ_BYTES


def _one(op: str, members: dict[str, Json], *needed: str) -> Json:
    """One operation of a batch."""
    every = {"op": {"const": op}, "key": KEY_NAME, **members, "if_match": TAGS, "if_none_match": TAGS}
    return object_schema({name: every[name] for name in every if name in _MEMBERS[op]}, ("op", "key", *needed))


BODY = object_body(
    "Batch",
    {
        "operations": array(
            {
                "oneOf": [
                    _one("get", {"fields": FIELDS}),
                    _one("put", {"value": VALUE, "ttl": TTL, "metadata": METADATA}, "value"),
                    {**_one("patch", PATCH_MEMBERS), "anyOf": [{"required": [name]} for name in PATCH_MEMBERS]},
                    _one("increment", INCREMENT_MEMBERS),
                    _one("delete", {}),
                ]
            },
            minItems=1,
            maxItems=MAX_OPERATIONS,
            description=f"With an `Idempotency-Key` {MAX_OPERATIONS - 1} at most.",
        ),
        "atomic": {"type": "boolean", "default": False, "description": "All at one moment, or none."},
    },
    ("operations",),
)

OPERATIONS = (
    Operation(
        route="POST /v1/{namespace}/batch",
        id="batch",
        tag="Values",
        summary="Up to 100 operations in one request",
        says="It counts as many requests as it has operations. Those on one key happen in their order. They read "
        f"{MAX_READ_BYTES:,} bytes of values at most.",
        access=Access.KEY_OR_SESSION,
        metered=True,
        parameters=(NAMESPACE, IDEMPOTENCY_KEY),
        body=BODY,
        example=Example(
            "/v1/app/batch",
            '{"operations": [{"op": "put", "key": "user:2", "value": "Bob"}, {"op": "get", "key": "user:1"}]}',
        ),
        answers={
            200: Answer("What became of each.", Results, ("Idempotent-Replayed",)),
            303: Answer(ELSEWHERE, None, ("Idempotent-Replayed", "Location")),
        },
        errors=metered(
            "` of every operation in it: `read`, `write` and `delete",
            _409=CONFLICT.format("`not_applied` (`atomic`; `details.failed` says why), "),
            _413=f"{TOO_LARGE} Or it is `body_size`, `transaction_size` (written at one moment) or `read_size`.",
        ),
    ),
)
