"""A request as the views see it, read from an API Gateway (or Function URL) event in payload format 2.0."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from kv_common.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Collection

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_REPLACEMENT_CHARACTER = "\ufffd"


class Request(msgspec.Struct, frozen=True, dict=True):
    """One HTTP request; header names are in lower case, `arrived_at_ms` is the gateway's clock.

    Views add to two of its fields: `log_fields` go into the request's log line (ids and counts, never a key, a token or
    a value), `response_headers` into the response, whatever its status.
    """

    method: str
    path: str
    route_key: str
    path_parameters: Mapping[str, str]
    query_string: str
    headers: Mapping[str, str]
    correlation_id: str
    arrived_at_ms: int
    event: Mapping[str, Any]
    log_fields: dict[str, object] = {}
    response_headers: dict[str, str] = {}

    def __repr__(self) -> str:
        # Its headers, its query and its body may hold what is nobody else's.
        return f"Request({self.method} {self.path}, {self.correlation_id})"

    def header(self, name: str) -> str | None:
        """Return the header `name` (lower case), or None."""
        return self.headers.get(name)

    def bearer_token(self) -> str | None:
        """Return the token of `Authorization: Bearer …`, or None when there is none."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @cached_property
    def body(self) -> bytes:
        """The body's bytes, without the coding that they were sent in.

        MeterSnapshot it raises ValidationError when the gateway could not pass them on unharmed.
        """
        text = self.event.get("body") or ""
        coding = self.header("content-encoding")
        if self.event.get("isBase64Encoded"):
            return _decoded(base64.b64decode(text), coding)
        body = str(text).encode("utf-8", "surrogatepass")
        # The gateway passes application/json on as text and puts U+FFFD for bytes that are not UTF-8. The length the
        # client announced gives that away.
        length = self.header("content-length") or ""
        if _REPLACEMENT_CHARACTER in text and length.isdecimal() and int(length) != len(body):
            raise ValidationError("The request body is not valid UTF-8.")
        return _decoded(body, coding)

    def query(self, *, allowed: Collection[str]) -> dict[str, str]:
        """Return the query parameters; ValidationError for one that is repeated, unknown or not UTF-8."""
        try:
            pairs = parse_qsl(self.query_string, keep_blank_values=True, errors="strict", max_num_fields=20)
        except ValueError as error:
            raise ValidationError("The query string is malformed.") from error
        parameters: dict[str, str] = {}
        for name, value in pairs:
            if name not in allowed:
                raise ValidationError(f"Unknown query parameter: {name!r}.", details={"allowed": sorted(allowed)})
            if name in parameters:
                raise ValidationError(f"The query parameter {name!r} is repeated.")
            parameters[name] = value
        return parameters


def _decoded(body: bytes, coding: str | None) -> bytes:
    if coding is None or not body:
        return body
    from kv_common.http.content_encoding import inflate

    return inflate(body, coding)


def read_event(event: Mapping[str, Any]) -> Request:
    """Return the request in a payload 2.0 event."""
    context = event["requestContext"]
    http = context["http"]
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    return Request(
        method=http["method"],
        path=event.get("rawPath") or http["path"],
        route_key=event.get("routeKey") or "$default",
        path_parameters=event.get("pathParameters") or {},
        query_string=event.get("rawQueryString") or "",
        headers=headers,
        correlation_id=_correlation_id(headers.get("x-correlation-id", "")),
        arrived_at_ms=int(context.get("timeEpoch", 0)),
        event=event,
    )


def _correlation_id(offered: str) -> str:
    """Take the caller's id when it is safe to log and return, else make one."""
    return offered if _CORRELATION_ID.fullmatch(offered) else secrets.token_urlsafe(12)
