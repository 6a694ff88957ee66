"""Where DynamoDB is and as whom it is asked, as the environment says plainly: without botocore's ways to find out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# botocore's own expression for the regions of this suffix.
_USUAL_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", re.ASCII)
_ASKS_FOR_MORE = (
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_SECURITY_TOKEN",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class Credentials(NamedTuple):
    """What requests are signed with; the token is a session's."""

    access_key: str
    secret_key: str
    token: str | None


class Endpoint(NamedTuple):
    """A region's DynamoDB and who asks it."""

    endpoint_url: str
    region: str
    credentials: Credentials


def simple_endpoint(env: Mapping[str, str]) -> Endpoint | None:
    """Return what `env` says, as a Lambda function's does; None where botocore has to find out.

    That is with a configuration file, credentials from elsewhere, a proxy, a region of another suffix, or endpoints of
    another kind.
    """
    region = env.get("AWS_DEFAULT_REGION", "")
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not region or not access_key or not secret_key or not _says_all(env):
        return None
    endpoint_url = env.get("AWS_ENDPOINT_URL_DYNAMODB") or env.get("AWS_ENDPOINT_URL")
    if not endpoint_url:
        if not _USUAL_REGION.fullmatch(region):
            return None
        endpoint_url = f"https://dynamodb.{region}.amazonaws.com"
    return Endpoint(endpoint_url, region, Credentials(access_key, secret_key, env.get("AWS_SESSION_TOKEN")))


def _says_all(env: Mapping[str, str]) -> bool:
    if any(env.get(name) for name in _ASKS_FOR_MORE):
        return False
    if any(env.get(name) or env.get(name.upper()) for name in _PROXIES):
        return False
    # Path's own way fails where the user has no home, as a function's may not.
    return not Path(os.path.expanduser(env.get("AWS_CONFIG_FILE") or "~/.aws/config")).exists()  # noqa: PTH111
