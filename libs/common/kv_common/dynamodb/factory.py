"""Creates the DynamoDB client, with short time-outs and without optional work per call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from kv_common import VERSION
from kv_common.dynamodb.fast.client import FastClient
from kv_common.dynamodb.fast.connection_pool import ConnectionPool
from kv_common.dynamodb.fast.endpoint import simple_endpoint
from kv_common.dynamodb.fast.lazy_client import LazyClient
from kv_common.dynamodb.fast.sigv4 import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 2
FAST, BOTO3 = "fast", "boto3"
USER_AGENT = f"kv-storage/{VERSION}"


class UnknownClientError(ValueError):
    """DYNAMODB_CLIENT is not the name of a client."""


def client(env: Mapping[str, str] = os.environ) -> DynamoDBClient:
    """Return a low-level client; region, credentials and endpoint come from the environment.

    Its nine operations on items go through the fast client (kv_common/dynamodb/fast), everything else through boto3,
    which is imported on first use. DYNAMODB_CLIENT=boto3 returns boto3's client as it is.
    """
    choice = env.get("DYNAMODB_CLIENT") or FAST
    if choice == BOTO3:
        return boto3_client()
    if choice != FAST:
        raise UnknownClientError(f"DYNAMODB_CLIENT is {FAST} or {BOTO3}, not {choice!r}.")
    endpoint = simple_endpoint(env)
    if endpoint is None:
        return _fast_client_configured_by_boto3()
    signer = Signer(lambda: endpoint.credentials, endpoint.region, "dynamodb")
    calls = FastClient(_connections(endpoint.endpoint_url), signer, USER_AGENT, boto3_client)
    return cast("DynamoDBClient", LazyClient(calls))


def boto3_client() -> DynamoDBClient:
    """Return boto3's client."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            # A failed call of the fast client is followed by two attempts of botocore.
            retries={"mode": "standard", "total_max_attempts": 2},
            tcp_keepalive=True,
            # The stores build every request; validation against the API model costs CPU per call.
            parameter_validation=False,
            # The same applies to the user agent and to features that DynamoDB lacks or we do not use.
            user_agent=USER_AGENT,
            account_id_endpoint_mode="disabled",
            inject_host_prefix=False,
            disable_request_compression=True,
        ),
    )


def _fast_client_configured_by_boto3() -> DynamoDBClient:
    """Return a client with the endpoint and credentials that botocore finds; behind a proxy, boto3's client."""
    import boto3
    from botocore.utils import get_environ_proxies

    made = boto3_client()
    session = boto3.DEFAULT_SESSION
    credentials = session.get_credentials() if session else None
    if credentials is None or get_environ_proxies(made.meta.endpoint_url):
        return made
    signer = Signer(credentials.get_frozen_credentials, made.meta.region_name, "dynamodb")
    calls = FastClient(_connections(made.meta.endpoint_url), signer, USER_AGENT, lambda: made)
    return cast("DynamoDBClient", LazyClient(calls))


def _connections(endpoint_url: str) -> ConnectionPool:
    return ConnectionPool(
        endpoint_url,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        read_timeout_s=READ_TIMEOUT_S,
        # In botocore's order.
        ca_bundle=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE"),
    )
