"""Endpoint, region and credentials from environment variables, without botocore."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# botocore's expression for the regions of the suffix amazonaws.com.
_AWS_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", re.ASCII)
_NEEDS_BOTOCORE = (
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_SECURITY_TOKEN",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class Credentials(NamedTuple):
    """Credentials for signing; `token` is the session token."""

    access_key: str
    secret_key: str
    token: str | None


class Endpoint(NamedTuple):
    """DynamoDB of one region, and the credentials for it."""

    endpoint_url: str
    region: str
    credentials: Credentials


def simple_endpoint(env: Mapping[str, str]) -> Endpoint | None:
    """Return the endpoint if `env` is as simple as a Lambda function's; None if botocore has to resolve it.

    botocore is needed for a configuration file, other sources of credentials, a proxy, another partition, and FIPS or
    dual-stack endpoints.
    """
    region = env.get("AWS_DEFAULT_REGION", "")
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not region or not access_key or not secret_key or not _is_simple(env):
        return None
    endpoint_url = env.get("AWS_ENDPOINT_URL_DYNAMODB") or env.get("AWS_ENDPOINT_URL")
    if not endpoint_url:
        if not _AWS_REGION.fullmatch(region):
            return None
        endpoint_url = f"https://dynamodb.{region}.amazonaws.com"
    return Endpoint(endpoint_url, region, Credentials(access_key, secret_key, env.get("AWS_SESSION_TOKEN")))


def _is_simple(env: Mapping[str, str]) -> bool:
    if any(env.get(name) for name in _NEEDS_BOTOCORE):
        return False
    if any(env.get(name) or env.get(name.upper()) for name in _PROXIES):
        return False
    # Path.expanduser fails if the user has no home directory, as in Lambda.
    return not Path(os.path.expanduser(env.get("AWS_CONFIG_FILE") or "~/.aws/config")).exists()  # noqa: PTH111
