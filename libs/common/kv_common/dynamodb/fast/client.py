"""A short way for calls of the operations that stores use.

botocore builds, signs, sends and parses any request to any service by its model, and that is most of the CPU of a
request to us. Here the same is done for DynamoDB's nine operations on items alone. Who calls sees no difference: what
is returned is what boto3 returns, and what is raised are its exceptions, though a refusal is their ClientError and not
the class that its model has. Whatever is not plainly an answer (no connection, throttling, a failure of theirs,
credentials that have expired) is left to botocore, which asks again and words what went wrong.

Of the client's events, those are emitted that come with parameters, a request, or a result.
"""

from __future__ import annotations

import time
import uuid
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import msgspec

from kv_common.dynamodb.fast.connection_pool import ConnectionPool, HttpResponse, TransportError
from kv_common.dynamodb.fast.responses import DECODERS, Refusal, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.hooks import BaseEventHooks
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.fast.sigv4 import Signer

    Json = dict[str, Any]

#: Refusals that asking again would not change, and that are part of everyday work. All others are left to botocore.
_FINAL = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"})
_OK = 200
_REFUSED = 400

_encoder = msgspec.json.Encoder()  # bytes become base64, as DynamoDB takes them


class _Unclear(Exception):
    """What came back is not plainly an answer."""


class FastClient:
    """Makes calls on `connections`; `make` returns the client of boto3 for what is not made here."""

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
        """boto3's client; the calls that it makes itself, such as those of its paginators, come here too."""
        client: Any = self._make()
        self._by_botocore: Callable[[str, Json], Json] = client._make_api_call  # noqa: SLF001
        client._make_api_call = self  # noqa: SLF001
        return cast("DynamoDBClient", client)

    def be_watched(self) -> None:
        """Tell whoever listens to the client of each call, from now on."""
        self._events = self.client.meta.events

    def __call__(self, operation: str, params: Json) -> Json:
        """Return the result of an operation, or raise what the client would."""
        if operation not in DECODERS:
            return self._leave(operation, params)
        if operation == "TransactWriteItems" and "ClientRequestToken" not in params:
            # By which a transaction that is sent twice happens once; botocore makes one likewise.
            params = {**params, "ClientRequestToken": str(uuid.uuid4())}
        if self._events is None:
            result = self._made(operation, params)
        else:
            result = self._made_watched(operation, params, self._events)
        if result is None:
            return self._leave(operation, params)
        if "Error" in result:
            from botocore.exceptions import ClientError

            raise ClientError(cast("Any", result), operation)
        return result

    def _leave(self, operation: str, params: Json) -> Json:
        """Leave a call to botocore."""
        _ = self.client
        return self._by_botocore(operation, params)

    def _made(self, operation: str, params: Json) -> Json | None:
        """Return what an operation came to, None where that is for botocore to find out."""
        try:
            headers, body = self._request(operation, params)
            return _result(operation, self._connections.post(headers, body))
        except (TransportError, _Unclear):
            return None

    def _made_watched(self, operation: str, params: Json, events: BaseEventHooks) -> Json | None:
        """Do the same, telling those who listen, who may change the parameters and answer in DynamoDB's place."""
        from botocore.awsrequest import AWSPreparedRequest

        told: Json = {"model": self.client.meta.service_model.operation_model(operation), "context": {}}
        for _, provided in events.emit(f"provide-client-params.dynamodb.{operation}", params=params, **told):
            params = provided or params
        events.emit(f"before-parameter-build.dynamodb.{operation}", params=params, **told)
        try:
            headers, body = self._request(operation, params)
            url, sent = self.client.meta.endpoint_url, cast("Any", headers)
            request = AWSPreparedRequest("POST", url, sent, body, stream_output=False)
            answer: HttpResponse | None = None
            for _, answered in events.emit(f"before-send.dynamodb.{operation}", request=request):
                answer = answered if answer is None else answer
            if answer is None:
                answer = self._connections.post(headers, body)
            result = _result(operation, answer)
        except (TransportError, _Unclear):
            return None
        events.emit(f"after-call.dynamodb.{operation}", http_response=answer, parsed=result, **told)
        return result

    def _request(self, operation: str, params: Json) -> tuple[dict[str, str], bytes]:
        try:
            body = _encoder.encode(params)
        except (TypeError, ValueError) as error:
            raise _Unclear from error
        headers = {
            "host": self._connections.host,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        self._signer.sign(headers, body, time.time())
        headers["user-agent"] = self._user_agent
        return headers, body


def _result(operation: str, answer: HttpResponse) -> Json:
    """Return what botocore would make of an answer; a refusal has the member Error."""
    if answer.status_code == _REFUSED:
        result = _refusal(answer)
    elif answer.status_code == _OK and _is_whole(answer):
        result = _decoded(DECODERS[operation], answer)
    else:
        raise _Unclear
    result["ResponseMetadata"] = {
        "RequestId": answer.headers.get("x-amzn-requestid"),
        "HTTPStatusCode": answer.status_code,
        "HTTPHeaders": answer.headers,
        "RetryAttempts": 0,
    }
    return result


def _refusal(answer: HttpResponse) -> Json:
    refusal: Refusal = _decoded(refusals, answer)
    code = refusal.pop("__type", "").rpartition("#")[2]
    if code not in _FINAL:
        raise _Unclear
    message = refusal.get("message") or refusal.get("Message") or ""
    return {**refusal, "Error": {"Message": message, "Code": code}}


def _decoded(decoder: msgspec.json.Decoder[Any], answer: HttpResponse) -> Any:
    try:
        return decoder.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Unclear from error


def _is_whole(answer: HttpResponse) -> bool:
    checksum = answer.headers.get("x-amz-crc32")
    return checksum is None or int(checksum) == zlib.crc32(answer.content)
