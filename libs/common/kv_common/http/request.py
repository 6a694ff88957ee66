"""Requests, parsed from events of API Gateway or Function URLs in payload format 2.0."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from kv_common.errors import WHOLE_BODY, field_error
from kv_common.json.strict import unknown_field

if TYPE_CHECKING:
    from collections.abc import Collection

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_REPLACEMENT_CHARACTER = "\ufffd"


class Request(msgspec.Struct, frozen=True, dict=True):
    """An HTTP request; header names are in lower case, `arrived_at_ms` is by the gateway's clock.

    Views may add to `log_fields` (ids and counts for the request's log line, never keys, tokens or values) and to
    `response_headers` (added to the response whatever its status).
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
        # Headers, query and body may contain secrets.
        return f"Request({self.method} {self.path}, {self.correlation_id})"

    def header(self, name: str) -> str | None:
        """Return the header `name` (in lower case), or None."""
        return self.headers.get(name)

    def bearer_token(self) -> str | None:
        """Return the token of `Authorization: Bearer …`, or None."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @cached_property
    def body(self) -> bytes:
        """The body's bytes, decompressed.

        Reading it raises ValidationError if the gateway has altered the bytes.
        """
        text = self.event.get("body") or ""
        encoding = self.header("content-encoding")
        if self.event.get("isBase64Encoded"):
            return _decompressed(base64.b64decode(text), encoding)
        body = str(text).encode("utf-8", "surrogatepass")
        # The gateway passes application/json as text and replaces invalid UTF-8 by U+FFFD, which changes the length.
        length = self.header("content-length") or ""
        if _REPLACEMENT_CHARACTER in text and length.isdecimal() and int(length) != len(body):
            raise field_error(WHOLE_BODY, "invalid_utf8", "The request body is not valid UTF-8.")
        return _decompressed(body, encoding)

    def query(self, *, allowed: Collection[str]) -> dict[str, str]:
        """Return the query parameters; ValidationError if one is repeated, unknown or not UTF-8."""
        try:
            pairs = parse_qsl(self.query_string, keep_blank_values=True, errors="strict", max_num_fields=20)
        except ValueError as error:
            raise field_error("query", "invalid_format", "The query string is malformed.") from error
        parameters: dict[str, str] = {}
        for name, value in pairs:
            if name not in allowed:
                raise unknown_field(name, allowed, f"Unknown query parameter: {name!r}.")
            if name in parameters:
                raise field_error(name, "repeated", f"The query parameter {name!r} is repeated.")
            parameters[name] = value
        return parameters


def _decompressed(body: bytes, encoding: str | None) -> bytes:
    if encoding is None or not body:
        return body
    from kv_common.http.content_encoding import inflate

    return inflate(body, encoding)


def read_event(event: Mapping[str, Any]) -> Request:
    """Return the request of an event in payload format 2.0."""
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
    """Return the caller's id if it is safe to log and return, or a new one."""
    return offered if _CORRELATION_ID.fullmatch(offered) else secrets.token_urlsafe(12)
