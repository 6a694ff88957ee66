"""How a client of DynamoDB is made: short time-outs, and nothing that its requests do without."""

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
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 2
USER_AGENT = f"kv-storage/{VERSION}"


def client() -> DynamoDBClient:
    """Return a low-level client; region, credentials and endpoint come from the environment.

    It is boto3's, but the calls that stores make take a shorter way (`direct`), which costs a tenth of the CPU. Where
    the environment is as plain as a function's, boto3 is not even imported until something else is asked of it.
    """
    place = simple_endpoint(os.environ)
    if place is None:
        return _by_boto3()
    signer = Signer(lambda: place.credentials, place.region, "dynamodb")
    calls = FastClient(_connections(place.endpoint_url), signer, USER_AGENT, boto3_client)
    return cast("DynamoDBClient", LazyClient(calls))


def boto3_client() -> DynamoDBClient:
    """Return boto3's own client."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            # A direct call that fails is followed by two more attempts.
            retries={"mode": "standard", "total_max_attempts": 2},
            tcp_keepalive=True,
            # Our own stores build every request; checking each against the API's model would cost CPU per call.
            parameter_validation=False,
            # So would writing down anew who we are, and looking for what DynamoDB does not have or we do not use.
            user_agent=USER_AGENT,
            account_id_endpoint_mode="disabled",
            inject_host_prefix=False,
            disable_request_compression=True,
        ),
    )


def _by_boto3() -> DynamoDBClient:
    """Return a client that asks where and as whom botocore finds out; behind a proxy it is boto3's alone."""
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
