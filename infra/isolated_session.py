"""A boto3 session that knows nothing of the developer's AWS profile, files and environment."""

from __future__ import annotations

import os

import boto3
import botocore.session

#: What botocore would look up, as (name in the config file, environment variables, value, conversion).
_UNSET: tuple[None, None, None, None] = (None, None, None, None)
_NO_FILE = (None, None, os.devnull, None)
_SESSION_VARIABLES = {
    "profile": _UNSET,
    "ca_bundle": _UNSET,
    "config_file": _NO_FILE,
    "credentials_file": _NO_FILE,
}


def isolated_session(region: str, access_key: str = "none", secret_key: str = "none") -> boto3.Session:  # noqa: S107
    """A session for one region with exactly these credentials."""
    return boto3.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=_SESSION_VARIABLES),
    )
