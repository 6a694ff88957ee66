"""Responses of views, and their conversion to the gateway's format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from kv_common.errors import AppError

API_VERSION = "1"

_ALWAYS = {
    "X-API-Version": API_VERSION,
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
_NO_BODY = (204, 304)


def _model_to_builtins(value: Any) -> Any:
    """Convert a pydantic model, without importing pydantic."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    raise NotImplementedError(f"{type(value).__name__} cannot be encoded")


_encoder = msgspec.json.Encoder(enc_hook=_model_to_builtins)


class Response(msgspec.Struct, frozen=True):
    """A status, headers and a body, which is JSON unless `Content-Type` says otherwise.

    The gateway decodes the body if `is_base64`.
    """

    status: int
    body: str = ""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    is_base64: bool = False

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        """Return the response with `headers` added; existing headers take precedence."""
        return Response(self.status, self.body, {**headers, **self.headers}, self.is_base64)

    def to_gateway(self, correlation_id: str) -> dict[str, Any]:
        """Return the response in payload format 2.0, with the headers that every response has.

        Responses must not be cached unless a view allows it: most of them contain an account's data.
        """
        headers = {**_ALWAYS, "X-Correlation-Id": correlation_id, "Cache-Control": "no-store"}
        if self.status not in _NO_BODY:
            headers["Content-Type"] = "application/json"
        headers.update(self.headers)
        return {"statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": self.is_base64}


def json_response(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `payload` (a response model, mappings, sequences, structs or dataclasses) as JSON."""
    if (to_json := getattr(payload, "to_json", None)) is not None:
        return Response(status, to_json(), headers or {})
    return Response(status, _encoder.encode(payload).decode(), headers or {})


def no_content() -> Response:
    """Return an empty response with status 204."""
    return Response(204)


def error_response(error: AppError, correlation_id: str) -> Response:
    """Return the response of an error, in the common error format."""
    body: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "correlation_id": correlation_id,
    }
    if error.public_details:
        body["details"] = error.public_details
    return json_response({"error": body}, error.status, error.headers)
