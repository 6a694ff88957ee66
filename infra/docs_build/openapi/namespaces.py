"""kv's operations on namespaces, its jobs, and the documents of the API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from infra.docs_build.openapi.operation import Access, Answer, Example, Operation
from infra.docs_build.openapi.schemas import struct_body
from infra.docs_build.openapi.shared import NAMESPACE, NAMESPACE_NAME, Count, Timestamp, errors, health
from kv_service.http.app import NewNamespace
from kv_service.namespaces.model import MAX_NAMESPACES, NamespaceStatus

NamespaceName = Annotated[str, Meta(extra_json_schema=NAMESPACE_NAME)]


class Namespace(msgspec.Struct):
    """A namespace, and what it holds."""

    name: NamespaceName
    status: NamespaceStatus
    created_at: Timestamp
    keys: Count
    bytes: Annotated[Count, Meta(description="Of keys, values and metadata.")]


class Namespaces(msgspec.Struct):
    """All namespaces of the account, by name."""

    namespaces: tuple[Namespace, ...]


class DeletingNamespace(msgspec.Struct):
    """A namespace that is being removed."""

    name: NamespaceName
    status: Literal["deleting"]


OPERATIONS = (
    Operation(
        route="POST /v1/namespaces",
        id="createNamespace",
        tag="Namespaces",
        summary="Make a namespace",
        access=Access.SESSION,
        body=struct_body(NewNamespace, name=NAMESPACE_NAME),
        example=Example("/v1/namespaces", '{"name": "app"}'),
        answers={201: Answer("The namespace.", Namespace)},
        errors=errors(401, 413, _409=f"It exists, or the account has {MAX_NAMESPACES} already."),
    ),
    Operation(
        route="GET /v1/namespaces",
        id="listNamespaces",
        tag="Namespaces",
        summary="List the namespaces",
        access=Access.SESSION,
        example=Example("/v1/namespaces"),
        answers={200: Answer("The namespaces.", Namespaces)},
        errors=errors(401),
    ),
    Operation(
        route="GET /v1/namespaces/{namespace}",
        id="getNamespace",
        tag="Namespaces",
        summary="One namespace",
        access=Access.SESSION,
        parameters=(NAMESPACE,),
        example=Example("/v1/namespaces/app"),
        answers={200: Answer("The namespace.", Namespace)},
        errors=errors(401, 404),
    ),
    Operation(
        route="DELETE /v1/namespaces/{namespace}",
        id="deleteNamespace",
        tag="Leaving",
        summary="Delete a namespace and all its values",
        says="Nothing is served of it any more; the values are removed after the answer, and its name is free then.",
        access=Access.SESSION,
        parameters=(NAMESPACE,),
        example=Example("/v1/namespaces/app"),
        answers={202: Answer("It is closed, and being removed.", DeletingNamespace)},
        errors=errors(401, 404),
    ),
)
HEALTH = (health("kv", {"redis": ("ok", "down"), "dynamodb": ("ok", "down")}),)
