"""Operations as gateway events, and their responses; JSON texts in them are not parsed."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.kv_process import event
from tests.support.model import KEPT, Operation, elements, members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Headers = dict[str, str]

NAMESPACE = "/v1/{namespace}"
KEY = NAMESPACE + "/{key}"
_ROUTES = {
    "get": ("GET", KEY),
    "head": ("HEAD", KEY),
    "put": ("PUT", KEY),
    "patch": ("PATCH", KEY),
    "increment": ("POST", KEY + "/increment"),
    "delete": ("DELETE", KEY),
}


@dataclass(frozen=True, slots=True)
class Response:
    """A status, and the fields of the body as texts; for an operation of a batch, without headers."""

    status: int
    members: Mapping[str, str]
    headers: dict[str, str]

    @property
    def etag(self) -> str | None:
        """The ETag, from the body or the headers."""
        text = self.members.get("etag")
        return self.headers.get("ETag") if text is None else str(json.loads(text))

    @property
    def error(self) -> dict[str, str]:
        """The fields of the error."""
        return members(self.members.get("error", "")) or {}

    @property
    def reason(self) -> str | None:
        """The reason in the error's details."""
        details = members(self.error.get("details", "")) or {}
        return str(json.loads(details["reason"])) if "reason" in details else None


def request(operation: Operation, namespace: str, headers: Headers) -> dict[str, Any]:
    """Return the gateway's event of one operation."""
    method, route = _ROUTES[operation.op]
    conditions = {"if-match": operation.if_match, "if-none-match": operation.if_none_match}
    sent = {name: condition for name, condition in conditions.items() if condition is not None}
    body = _object(_given(operation)) if method not in ("GET", "HEAD", "DELETE") else None
    return event(
        method,
        route,
        {"namespace": namespace, "key": operation.key},
        headers={**headers, **sent},
        body=body,
        query={} if operation.fields is None else {"fields": operation.fields},
    )


def batch_request(operations: Sequence[Operation], namespace: str, headers: Headers, *, atomic: bool) -> dict[str, Any]:
    """Return the gateway's event of a batch."""
    texts = ",".join(_object(_named(operation)) for operation in operations)
    body = f'{{"operations":[{texts}]' + (',"atomic":true}' if atomic else "}")
    return event("POST", NAMESPACE + "/batch", {"namespace": namespace}, headers=headers, body=body)


def read(response: Mapping[str, Any]) -> Response:
    """Return the response of the handler."""
    body = response["body"]
    if response["isBase64Encoded"]:
        body = base64.b64decode(body).decode()
    return Response(response["statusCode"], members(body) or {}, response["headers"])


def results(response: Response) -> list[Response]:
    """Return the responses in a batch's response."""
    found = [members(text) or {} for text in elements(response.members["results"])]
    return [Response(int(one["status"]), one, {}) for one in found]


def _given(operation: Operation) -> dict[str, str]:
    """Return the fields of the body that define the new version."""
    given: dict[str, str] = {}
    if operation.value != KEPT:
        given["value"] = operation.value
    if operation.ttl != KEPT:
        given["ttl"] = "null" if operation.ttl is None else str(operation.ttl)
    if operation.metadata != KEPT:
        given["metadata"] = "null" if operation.metadata is None else operation.metadata
    if operation.by is not None:
        given["by"] = str(operation.by)
    return given


def _named(operation: Operation) -> dict[str, str]:
    """Return the fields of an operation in a batch."""
    named = {"op": operation.op, "key": operation.key}
    for name in ("fields", "if_match", "if_none_match"):
        text = getattr(operation, name)
        if text is not None:
            named[name] = text.replace('"', '\\"')
    return {**{name: f'"{text}"' for name, text in named.items()}, **_given(operation)}


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}"
