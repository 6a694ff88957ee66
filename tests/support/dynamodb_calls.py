"""Intercept calls of the DynamoDB client, for both clients (DYNAMODB_CLIENT)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from kv_common.dynamodb.factory import BOTO3
from kv_common.dynamodb.fast.client import FastClient
from kv_common.dynamodb.fast.connection_pool import ConnectionPool, HttpResponse, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[[Any, str, dict[str, Any]], Any]


@contextmanager
def wrapped_calls(wrap: Callable[[Call], Call]) -> Iterator[None]:
    """Wrap the method that makes every call: it takes the client, the operation and its parameters."""
    by_boto3 = os.environ.get("DYNAMODB_CLIENT") == BOTO3
    owner: Any = BaseClient if by_boto3 else FastClient
    name = "_make_api_call" if by_boto3 else "__call__"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owner, name, wrap(getattr(owner, name)))
        yield


@contextmanager
def lost_responses(is_lost: Callable[[str], bool]) -> Iterator[None]:
    """Lose the responses to requests for which `is_lost(operation)` is true.

    The client then repeats the request, and `is_lost` is called again.
    """
    post, send = ConnectionPool.post, URLLib3Session.send

    def post_or_lose(self: ConnectionPool, headers: dict[str, str], body: bytes) -> HttpResponse:
        response = post(self, headers, body)
        if is_lost(_operation(headers["x-amz-target"])):
            raise TransportError
        return response

    def send_or_lose(self: URLLib3Session, request: Any) -> Any:
        response = send(self, request)
        target = request.headers.get("X-Amz-Target")
        if target is not None and is_lost(_operation(target)):
            raise ConnectionClosedError(endpoint_url=request.url)
        return response

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ConnectionPool, "post", post_or_lose)
        patched.setattr(URLLib3Session, "send", send_or_lose)
        yield


def _operation(target: str | bytes) -> str:
    text = target.decode() if isinstance(target, bytes) else target
    return text.rpartition(".")[2]
