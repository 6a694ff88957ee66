"""Calls DynamoDB's nine item operations without botocore.

botocore builds, signs, sends and parses requests to any service from a model, which took most of the CPU of a request.
Results and exceptions are the same as boto3's, except that an error is a plain ClientError instead of the modeled
subclass. Ambiguous outcomes (no connection, throttling, server errors, expired credentials) are passed to botocore,
which retries and raises its own exceptions.
"""

from __future__ import annotations

import time
import uuid
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import msgspec

from kv_common.dynamodb.fast.connection_pool import ConnectionPool, HttpResponse, TransportError
from kv_common.dynamodb.fast.responses import DECODERS, ERROR_DECODER, ErrorResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.hooks import BaseEventHooks
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.fast.sigv4 import Signer

    Json = dict[str, Any]

#: Expected errors that a retry would not change. All others are passed to botocore.
_FINAL = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"})
_OK = 200
_BAD_REQUEST = 400

_encoder = msgspec.json.Encoder()  # encodes bytes as base64, as DynamoDB expects


class _AmbiguousResponse(Exception):
    """The response is neither a success nor an expected error."""


class FastClient:
    """Makes calls through `connections`; `make` creates boto3's client for everything else."""

    def __init__(
        self, connections: ConnectionPool, signer: Signer, user_agent: str, make: Callable[[], DynamoDBClient]
    ) -> None:
        self._connections = connections
        self._signer = signer
        self._user_agent = user_agent
        self._make = make
        self._events: BaseEventHooks | None = None

    @cached_property
    def client(self) -> DynamoDBClient:
        """boto3's client; its own calls, such as those of paginators, also go through this object."""
        client: Any = self._make()
        self._by_botocore: Callable[[str, Json], Json] = client._make_api_call  # noqa: SLF001
        client._make_api_call = self  # noqa: SLF001
        return cast("DynamoDBClient", client)

    def emit_events(self) -> None:
        """Emit the client's events for each call from now on."""
        self._events = self.client.meta.events

    def __call__(self, operation: str, params: Json) -> Json:
        """Return the result of an operation, or raise ClientError."""
        if operation not in DECODERS:
            return self._pass_to_botocore(operation, params)
        if operation == "TransactWriteItems" and "ClientRequestToken" not in params:
            # Makes a repeated transaction idempotent; botocore adds a token too.
            params = {**params, "ClientRequestToken": str(uuid.uuid4())}
        if self._events is None:
            result = self._call(operation, params)
        else:
            result = self._call_with_events(operation, params, self._events)
        if result is None:
            return self._pass_to_botocore(operation, params)
        if "Error" in result:
            from botocore.exceptions import ClientError

            raise ClientError(cast("Any", result), operation)
        return result

    def _pass_to_botocore(self, operation: str, params: Json) -> Json:
        """Pass a call to botocore."""
        _ = self.client
        return self._by_botocore(operation, params)

    def _call(self, operation: str, params: Json) -> Json | None:
        """Return the result of an operation, or None if botocore has to make the call."""
        try:
            headers, body = self._request(operation, params)
            return _result(operation, self._connections.post(headers, body))
        except (TransportError, _AmbiguousResponse):
            return None

    def _call_with_events(self, operation: str, params: Json, events: BaseEventHooks) -> Json | None:
        """Like `_call`, but emit events; handlers may change the parameters or provide the response."""
        from botocore.awsrequest import AWSPreparedRequest

        context: Json = {"model": self.client.meta.service_model.operation_model(operation), "context": {}}
        for _, provided in events.emit(f"provide-client-params.dynamodb.{operation}", params=params, **context):
            params = provided or params
        events.emit(f"before-parameter-build.dynamodb.{operation}", params=params, **context)
        try:
            headers, body = self._request(operation, params)
            url, signed = self.client.meta.endpoint_url, cast("Any", headers)
            request = AWSPreparedRequest("POST", url, signed, body, stream_output=False)
            response: HttpResponse | None = None
            for _, provided_response in events.emit(f"before-send.dynamodb.{operation}", request=request):
                response = provided_response if response is None else response
            if response is None:
                response = self._connections.post(headers, body)
            result = _result(operation, response)
        except (TransportError, _AmbiguousResponse):
            return None
        events.emit(f"after-call.dynamodb.{operation}", http_response=response, parsed=result, **context)
        return result

    def _request(self, operation: str, params: Json) -> tuple[dict[str, str], bytes]:
        try:
            body = _encoder.encode(params)
        except (TypeError, ValueError) as error:
            raise _AmbiguousResponse from error
        headers = {
            "host": self._connections.host,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        self._signer.sign(headers, body, time.time())
        headers["user-agent"] = self._user_agent
        return headers, body


def _result(operation: str, response: HttpResponse) -> Json:
    """Return the result as botocore does; an error response has the field Error."""
    if response.status_code == _BAD_REQUEST:
        result = _error(response)
    elif response.status_code == _OK and _has_valid_checksum(response):
        result = _decoded(DECODERS[operation], response)
    else:
        raise _AmbiguousResponse
    result["ResponseMetadata"] = {
        "RequestId": response.headers.get("x-amzn-requestid"),
        "HTTPStatusCode": response.status_code,
        "HTTPHeaders": response.headers,
        "RetryAttempts": 0,
    }
    return result


def _error(response: HttpResponse) -> Json:
    error: ErrorResponse = _decoded(ERROR_DECODER, response)
    code = error.pop("__type", "").rpartition("#")[2]
    if code not in _FINAL:
        raise _AmbiguousResponse
    message = error.get("message") or error.get("Message") or ""
    return {**error, "Error": {"Message": message, "Code": code}}


def _decoded(decoder: msgspec.json.Decoder[Any], response: HttpResponse) -> Any:
    try:
        return decoder.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _AmbiguousResponse from error


def _has_valid_checksum(response: HttpResponse) -> bool:
    checksum = response.headers.get("x-amz-crc32")
    return checksum is None or int(checksum) == zlib.crc32(response.content)
