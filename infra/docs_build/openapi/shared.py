"""Parameters and members that several services have in common, with the rules of `kv_common.identifiers`."""

from __future__ import annotations

from typing import Any

from alerts_service.model import ALERT_ID_PATTERN
from auth_service.model import KEY_ID_PATTERN
from infra.docs_build.openapi.operation import Access, Answer, Example, Json, Operation, Parameter
from infra.docs_build.openapi.schemas import integer, reference, text
from kv_common import VERSION, identifiers
from kv_common.plans import CATALOG as PLANS
from kv_service.transfers.model import JOB_ID_PATTERN
from kv_service.values import preconditions

SCHEMAS: dict[str, Json] = {
    "NamespaceName": {
        **text(identifiers._NAMESPACE, description="1 to 50 of `a-z 0-9 -`, a letter first."),
        "not": {"enum": sorted(identifiers.RESERVED_NAMESPACES)},
    },
    "KeyName": {
        **text(identifiers._KEY, description="1 to 255 of `A-Z a-z 0-9 : _ . -`."),
        "not": {"enum": [".", ".."]},
    },
    "PlanName": {"type": "string", "enum": list(PLANS)},
}
"""What several operations refer to."""

NAMESPACE_NAME = reference("NamespaceName")
KEY_NAME = reference("KeyName")
KEY_PREFIX: Json = text(identifiers._PREFIX)

_TAG, _BETWEEN = preconditions._TAG.pattern, preconditions._BETWEEN.pattern
TAGS = text(
    rf"\*|{_TAG}(?:{_BETWEEN}{_TAG}){{0,{preconditions.MAX_TAGS - 1}}}",
    format="etag-list",
    examples=["*", '"0Vn3xYb7Qk2L"', '"0Vn3xYb7Qk2L", "1"'],
)
"""ETags as `If-Match` and `If-None-Match` take them."""

NAMESPACE = Parameter("namespace", "path", NAMESPACE_NAME, "A namespace of the account.", required=True)
KEY = Parameter("key", "path", KEY_NAME, "A key of the namespace.", required=True)
PATH_PARAMETERS = {
    "namespace": NAMESPACE,
    "key": KEY,
    "job": Parameter("job", "path", text(JOB_ID_PATTERN), "The id of a job.", required=True),
    "alert_id": Parameter("alert_id", "path", text(ALERT_ID_PATTERN), "The id of an alert.", required=True),
    "key_id": Parameter("key_id", "path", text(KEY_ID_PATTERN), "The id of an API key.", required=True),
}
"""The parameters of the paths whose routes declare their models."""


def limit(most: int, default: int) -> Parameter:
    """The parameter for the size of a page."""
    return Parameter("limit", "query", integer(1, most, default=default), "How many to answer with at most.")


def cursor(of: str) -> Parameter:
    """The parameter that asks for a further page."""
    return Parameter("cursor", "query", text(r"[A-Za-z0-9_-]+"), f"The `cursor` of the page of {of} before.")


def errors(*statuses: int, **meanings: str) -> dict[int, str]:
    """The statuses that an operation may answer with; `_409="…"` says what one means there."""
    own = {int(name.removeprefix("_")): says for name, says in meanings.items()}
    return dict(sorted({**dict.fromkeys((*statuses, 400, 500, 503), ""), **own}.items()))


def one_of(*values: str) -> Json:
    """The schema of a text that is one of a few."""
    return {"type": "string", "enum": list(values)}


def health(service: str, dependencies: dict[str, tuple[str, ...]]) -> Operation:
    """`GET /v1/health/<service>`, with what each dependency may be."""
    states = ("ok", "degraded", "down") if len(dependencies) > 1 else ("ok", "down")

    def shape(*allowed: str) -> Json:
        members: dict[str, Any] = {
            "service": {"const": service},
            "version": {"type": "string", "examples": [VERSION]},
            "status": one_of(*allowed),
            "dependencies": {
                "type": "object",
                "properties": {name: one_of(*states) for name, states in dependencies.items()},
                "required": list(dependencies),
            },
        }
        return {"type": "object", "properties": members, "required": list(members)}

    return Operation(
        route=f"GET /v1/health/{service}",
        id=f"{service}Health",
        tag="Health",
        summary=f"Is {service} up?",
        access=Access.PUBLIC,
        example=Example(f"/v1/health/{service}"),
        answers={
            200: Answer("It serves, perhaps with less than it should have.", shape(*states[:-1])),
            503: Answer("It does not serve.", shape("down")),
        },
        errors={400: "", 500: ""},
    )
