"""A short way for a boto3 client's calls of the operations that stores use.

botocore builds, signs, sends and parses any request to any service by its model, and that is most of the CPU of a
request to us. Here the same is done for DynamoDB's nine operations on items alone. Who calls sees no difference: the
client, its exceptions and what it returns are boto3's. Whatever is not plainly an answer (no connection, throttling,
a failure of theirs, credentials that have expired) is left to botocore, which asks again and words what went wrong.

Of the client's events, those are emitted that come with parameters, a request, or a result.
"""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any, cast

import msgspec
from botocore.awsrequest import AWSPreparedRequest
from botocore.parsers import create_parser

from kv_common.dynamodb.answers import DECODERS
from kv_common.dynamodb.connections import Answer, Connections, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.compat import HTTPHeaders
    from botocore.model import OperationModel, Shape
    from mypy_boto3_dynamodb import DynamoDBClient

    from kv_common.dynamodb.signing import Signer

    Json = dict[str, Any]

#: Refusals that asking again would not change, and that are part of everyday work. All others are left to botocore.
_FINAL = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"})
_OK = 200
_REFUSED = 400

_encoder = msgspec.json.Encoder()  # bytes become base64, as DynamoDB takes them


class _Unclear(Exception):
    """What came back is not plainly an answer."""


class DirectCalls:
    """Makes the calls of `client` on `connections`."""

    def __init__(self, client: DynamoDBClient, connections: Connections, signer: Signer) -> None:
        self._client = cast("Any", client)
        self._by_botocore: Callable[[str, Json], Json] = self._client._make_api_call  # noqa: SLF001
        self._connections = connections
        self._signer = signer
        self._parser = create_parser("json")

    def install(self) -> None:
        """Let the client make its calls here."""
        self._client._make_api_call = self  # noqa: SLF001

    def __call__(self, operation: str, params: Json) -> Json:
        """Return the result of an operation, or raise the client's own exceptions."""
        if operation not in DECODERS:
            return self._by_botocore(operation, params)
        events = self._client.meta.events
        model = self._client.meta.service_model.operation_model(operation)
        told: Json = {"model": model, "context": {}}
        for _, provided in events.emit(f"provide-client-params.dynamodb.{operation}", params=params, **told):
            params = provided or params
        # botocore's own listener adds the token by which a transaction that is sent twice happens once.
        events.emit(f"before-parameter-build.dynamodb.{operation}", params=params, **told)
        try:
            answer = self._answer(operation, params)
            result = self._result(model, answer)
        except (NoAnswer, _Unclear):
            return self._by_botocore(operation, params)
        events.emit(f"after-call.dynamodb.{operation}", http_response=answer, parsed=result, **told)
        if "Error" in result:
            raise self._client.exceptions.from_code(result["Error"]["Code"])(result, operation)
        return result

    def _answer(self, operation: str, params: Json) -> Answer:
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
        headers["user-agent"] = self._client.meta.config.user_agent
        url, sent = self._client.meta.endpoint_url, cast("HTTPHeaders", headers)
        request = AWSPreparedRequest("POST", url, sent, body, stream_output=False)
        for _, answered in self._client.meta.events.emit(f"before-send.dynamodb.{operation}", request=request):
            if answered is not None:
                return cast("Answer", answered)
        return self._connections.post(headers, body)

    def _result(self, operation: OperationModel, answer: Answer) -> Json:
        """Return what botocore would make of an answer; a refusal has the member Error."""
        if answer.status_code == _REFUSED:
            return self._refusal(operation, answer)
        if answer.status_code != _OK or not _is_whole(answer):
            raise _Unclear
        try:
            result: Json = DECODERS[operation.name].decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _Unclear from error
        result["ResponseMetadata"] = {
            "RequestId": answer.headers.get("x-amzn-requestid"),
            "HTTPStatusCode": answer.status_code,
            "HTTPHeaders": answer.headers,
            "RetryAttempts": 0,
        }
        return result

    def _refusal(self, operation: OperationModel, answer: Answer) -> Json:
        told = {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content}
        result: Json = self._parser.parse(told, cast("Shape", operation.output_shape))
        code = result["Error"]["Code"]
        if code not in _FINAL:
            raise _Unclear
        result["ResponseMetadata"]["RetryAttempts"] = 0
        result.update(self._parser.parse(told, operation.service_model.shape_for_error_code(code)))
        return result


def _is_whole(answer: Answer) -> bool:
    checksum = answer.headers.get("x-amz-crc32")
    return checksum is None or int(checksum) == zlib.crc32(answer.content)
