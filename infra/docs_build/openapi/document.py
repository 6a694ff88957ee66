"""The OpenAPI document of all services."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.docs_build.openapi import (
    alerts,
    auth,
    batch,
    billing,
    documents,
    headers,
    jobs,
    models,
    namespaces,
    shared,
    usage,
    values,
)
from infra.docs_build.openapi.curl import curl
from infra.docs_build.openapi.errors import DETAILS, FIELD_ERROR, MEANINGS, SCHEMA, phrase
from infra.docs_build.openapi.schemas import reference
from kv_common import VERSION

if TYPE_CHECKING:
    from infra.docs_build.openapi.operation import Access, Answer, Json, Operation, Parameter

OPENAPI = "3.1.0"
COMPONENT = "#/components/{kind}/{name}"
TAGS = {
    "Accounts": "From sign-up to a session.",
    "Namespaces": "Where values are kept; every account has its own.",
    "API keys": "What servers use in place of a session.",
    "Values": "JSON under keys, as it was put.",
    "Exports and imports": "Whole namespaces, as files.",
    "Usage": "What was used, against what the plan allows.",
    "Alerts": "What the account has to know, and what of it is mailed.",
    "Billing": "Plans, and webhooks of Paddle.",
    "Leaving": "Ending a session, a namespace or the account.",
    "Health": "Is it up?",
    "Documents": "This document.",
}
SECURITY_SCHEMES: Json = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key, `kv_live_…`."},
    "session": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a session, from `POST /v1/auth/login`.",
    },
    "paddle": {
        "type": "apiKey",
        "in": "header",
        "name": "Paddle-Signature",
        "description": "Paddle's signature over the time and the body.",
    },
}


def operations() -> tuple[Operation, ...]:
    """Every operation of the API, by tag."""
    every = (
        *namespaces.OPERATIONS,
        *auth.OPERATIONS,
        *values.OPERATIONS,
        *batch.OPERATIONS,
        *jobs.OPERATIONS,
        *usage.OPERATIONS,
        *alerts.OPERATIONS,
        *billing.OPERATIONS,
        *namespaces.HEALTH,
        *documents.OPERATIONS,
    )
    order = list(TAGS)
    return tuple(models.completed(one) for one in sorted(every, key=lambda one: order.index(one.tag)))


def document() -> Json:
    """The document."""
    described = operations()
    paths: dict[str, Json] = {}
    for one in described:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    made: Json = {
        "openapi": OPENAPI,
        "info": {
            "title": "KV Storage",
            "version": VERSION,
            "description": "A key-value store for JSON. What you get is what you put.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": says} for name, says in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _schemas(described),
            "responses": _errors(),
            "headers": dict(headers.CATALOG),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }
    return _without_unused(made)


def _without_unused(made: Json) -> Json:
    """The document without components that nothing refers to."""
    components = made["components"]
    while True:
        text = json.dumps(made)
        unused = [
            (kind, name)
            for kind in ("schemas", "responses", "headers")
            for name in components[kind]
            if f'"{COMPONENT.format(kind=kind, name=name)}"' not in text
        ]
        if not unused:
            return made
        for kind, name in unused:
            del components[kind][name]


def _operation(one: Operation) -> Json:
    shown: Json = {"operationId": one.id, "tags": [one.tag], "summary": one.summary}
    if one.says:
        shown["description"] = one.says
    shown["x-codeSamples"] = [{"lang": "Shell", "source": curl(one)}]
    shown["security"] = _security(one.access)
    if one.parameters:
        shown["parameters"] = [_parameter(parameter) for parameter in one.parameters]
    if one.body is not None:
        shown["requestBody"] = {
            "required": one.body.required,
            "content": {one.body.media_type: {"schema": reference(one.body.name)}},
        }
    answers = {status: _answer(answer, metered=one.metered) for status, answer in one.answers.items()}
    errors = {status: _error(one, status, says) for status, says in one.errors.items()}
    shown["responses"] = {str(status): response for status, response in sorted({**answers, **errors}.items())}
    return shown


def _security(access: Access) -> list[Json]:
    return [{scheme: []} for scheme in access.value]


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.says,
        "schema": parameter.schema,
    }


def _answer(answer: Answer, *, metered: bool) -> Json:
    response: Json = {"description": answer.says, "headers": _headers(answer.headers, metered=metered)}
    if answer.body is not None:
        schema = reference(answer.body.__name__) if isinstance(answer.body, type) else answer.body
        response["content"] = {answer.media_type: {"schema": schema}}
    return response


def _error(one: Operation, status: int, says: str) -> Json:
    # Without an authenticated account there are no limits to show.
    metered = one.metered and status not in (401, 500, 503)
    replayed = status in (404, 409, 412) and any(taken.name == "Idempotency-Key" for taken in one.parameters)
    if not says and not replayed and one.method != "HEAD":
        return {"$ref": f"#/components/responses/{_error_name(status, metered=metered)}"}
    own = ("Idempotent-Replayed",) if replayed else ()
    return _told(status, says or MEANINGS[status], own, metered=metered, body=one.method != "HEAD")


def _told(status: int, says: str, own: tuple[str, ...] = (), *, metered: bool, body: bool = True) -> Json:
    own += {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(status, ())
    response: Json = {"description": says, "headers": _headers(own, metered=metered)}
    if body:
        response["content"] = {"application/json": {"schema": reference("Error")}}
    return response


def _errors() -> Json:
    """Every error that means what it always means."""
    return {
        _error_name(status, metered=metered): _told(status, says, metered=metered)
        for status, says in MEANINGS.items()
        for metered in (False, True)
    }


def _error_name(status: int, *, metered: bool) -> str:
    return f"{'Metered' if metered else ''}{phrase(status).title().replace(' ', '')}"


def _headers(own: tuple[str, ...], *, metered: bool) -> Json:
    names = (*own, *(headers.METERED if metered else ()), *headers.ALWAYS)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schemas(described: tuple[Operation, ...]) -> Json:
    """Every schema by its name."""
    answers = [answer for one in described for answer in one.answers.values()]
    schemas = models.response_schemas(answers)
    bodies: dict[str, Any] = {one.body.name: one.body.schema for one in described if one.body is not None}
    bodies.update(models.request_schemas(described))
    both = [name for name in bodies.keys() & schemas.keys() if bodies[name] != schemas[name]]
    if both:
        raise ValueError(f"Requests and responses have different schemas of the same name: {sorted(both)}.")
    return {
        "Error": SCHEMA,
        "FieldError": FIELD_ERROR,
        "Details": DETAILS,
        **shared.SCHEMAS,
        **dict(sorted({**schemas, **bodies}.items())),
    }
