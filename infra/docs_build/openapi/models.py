"""The part of an operation that its route declares: parameters, request body and response bodies.

A hand-written `Operation` adds to it the name, the summary, examples and prose. Routes for values declare no models:
their operations are described whole.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from alerts_service.http.app import create_app as alerts
from auth_service.http.app import create_app as auth
from billing_service.http.app import create_app as billing
from infra.docs_build.openapi.operation import Access, Answer, Body, Operation, Parameter
from infra.docs_build.openapi.schemas import REFERENCE, reference
from infra.docs_build.openapi.shared import PATH_PARAMETERS
from kv_common.http.models import resolve
from kv_service.http.app import create_app as kv
from usage_service.http.app import create_app as usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.docs_build.openapi.operation import Json
    from kv_common.http.route_models import RouteModels

_PATH_PARAMETER = re.compile(r"\{(\w+)\}")


@cache
def declared() -> Mapping[str, RouteModels]:
    """Return the models of every route that declares any, by `METHOD /path`."""
    apps = (alerts(), auth(), billing(), kv(), usage())
    return {f"{method} {path}": models for app in apps for (method, path), models in app.route_models.items()}


def completed(operation: Operation) -> Operation:
    """Return the operation with what its route declares; KeyError when one of its responses is not described."""
    models = declared().get(operation.route)
    if models is None:
        return operation
    answers = dict(operation.answers)
    for status, name in models.responses.items():
        if name is not None:
            answers[status] = replace(answers[status], body=resolve(name))
    body = None if models.body is None else _body(resolve(models.body), required=models.body_required)
    path = tuple(PATH_PARAMETERS[name] for name in _PATH_PARAMETER.findall(operation.path))
    query = () if models.query is None else _parameters(resolve(models.query))
    usual = {400: True, 401: models.caller is not None, 404: bool(path), 413: body is not None, 500: True, 503: True}
    return replace(
        operation,
        access=operation.access if models.caller is None else Access.SESSION,
        parameters=(*path, *operation.parameters, *query),
        body=body or operation.body,
        answers=answers,
        errors=dict(sorted({**{status: "" for status in usual if usual[status]}, **operation.errors}.items())),
    )


def request_schemas(operations: Iterable[Operation]) -> dict[str, Json]:
    """Return the schemas of all request models and of the types within them."""
    wanted = {one.route for one in operations}
    names = {models.body for route, models in declared().items() if models.body is not None and route in wanted}
    return schemas([resolve(name) for name in sorted(names)], "validation")


def response_schemas(answers: Iterable[Answer]) -> dict[str, Json]:
    """Return the schemas of all response models and of the types within them."""
    models = {one.body for one in answers if isinstance(one.body, type) and issubclass(one.body, BaseModel)}
    return schemas(sorted(models, key=lambda model: model.__name__), "serialization")


def schemas(models: list[type[BaseModel]], mode: Literal["validation", "serialization"]) -> dict[str, Json]:
    """Return the JSON Schema of each model and of the types within it, by name."""
    _, made = models_json_schema([(model, mode) for model in models], ref_template=REFERENCE.replace("name", "model"))
    return {name: _plain(schema, mode) for name, schema in made.get("$defs", {}).items()}


def _body(model: type[BaseModel], *, required: bool) -> Body:
    return Body(model.__name__, schemas([model], "validation")[model.__name__], required=required)


def _parameters(model: type[BaseModel]) -> tuple[Parameter, ...]:
    schema = schemas([model], "validation")[model.__name__]
    return tuple(
        Parameter(
            name,
            "query",
            {key: value for key, value in _without_null(member).items() if key != "description"},
            member.get("description", ""),
            required=name in schema.get("required", ()),
        )
        for name, member in schema["properties"].items()
    )


def _plain(node: Any, mode: str) -> Any:
    """Return a schema without what pydantic adds to JSON Schema for its own use.

    Clients must expect further members of a response. A member of a response that may be None is absent then.
    """
    if isinstance(node, list):
        return [_plain(one, mode) for one in node]
    if not isinstance(node, dict):
        return node
    if "x-component" in node:
        return reference(node["x-component"])
    plain = {name: _plain(value, mode) for name, value in node.items() if not _is_noise(name, value, node, mode)}
    if mode == "serialization":
        for name, member in plain.get("properties", {}).items():
            if name not in plain.get("required", ()):
                plain["properties"][name] = _without_null(member)
    return plain


def _is_noise(name: str, value: Any, node: Json, mode: str) -> bool:
    if name == "title":
        return isinstance(value, str)
    # The docstring of a request model is meant for those who read the code.
    if name == "description":
        return mode == "validation" and "properties" in node
    return name == "additionalProperties" and value is False and mode == "serialization"


def _without_null(member: Json) -> Json:
    left = {name: value for name, value in member.items() if name != "anyOf" and (name, value) != ("default", None)}
    others = [one for one in member.get("anyOf", ()) if one.get("type") != "null"]
    return {**others[0], **left} if len(others) == 1 else {**left, "anyOf": others} if others else left
