"""kv_common.dynamodb.fast.endpoint, compared with botocore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kv_common.dynamodb.factory import boto3_client
from kv_common.dynamodb.fast.endpoint import Credentials, simple_endpoint

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without AWS configuration, and no inherited settings."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


SAID = {
    "a region": {},
    "another region": {"AWS_DEFAULT_REGION": "us-east-1"},
    "no session": {"AWS_SESSION_TOKEN": ""},
    "an endpoint": {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    "DynamoDB's own endpoint": {"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://b:2"},
    "an endpoint in a region apart": {"AWS_DEFAULT_REGION": "cn-north-1", "AWS_ENDPOINT_URL": "http://a:1"},
}


@pytest.mark.parametrize("more", SAID.values(), ids=SAID.keys())
def test_simple_environment_resolves_like_botocore(more: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    env = {**PLAIN, **more}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    found = boto3_client()

    place = simple_endpoint(env)

    assert place is not None
    assert (place.endpoint_url, place.region) == (found.meta.endpoint_url, found.meta.region_name)
    frozen = found._request_signer._credentials.get_frozen_credentials()  # type: ignore[attr-defined]
    assert (place.credentials.access_key, place.credentials.secret_key) == (frozen.access_key, frozen.secret_key)
    assert (place.credentials.token or None) == (frozen.token or None)


LEFT = {
    "no region": {"AWS_DEFAULT_REGION": ""},
    "no key": {"AWS_ACCESS_KEY_ID": ""},
    "no secret": {"AWS_SECRET_ACCESS_KEY": ""},
    "credentials that expire": {"AWS_CREDENTIAL_EXPIRATION": "2026-01-01T00:00:00Z"},
    "a region of another suffix": {"AWS_DEFAULT_REGION": "cn-north-1"},
    "a region of the government": {"AWS_DEFAULT_REGION": "us-gov-west-1"},
    "an isolated region": {"AWS_DEFAULT_REGION": "us-iso-east-1"},
    "no region at all": {"AWS_DEFAULT_REGION": "eu-central-1.evil.example"},
    "two stacks": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "FIPS": {"AWS_USE_FIPS_ENDPOINT": "true"},
    "endpoints ignored": {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    "a proxy": {"HTTPS_PROXY": "http://proxy:3128"},
    "a proxy in lower case": {"https_proxy": "http://proxy:3128"},
    "a configuration": {"AWS_CONFIG_FILE": __file__},
}


@pytest.mark.parametrize("more", LEFT.values(), ids=LEFT.keys())
def test_other_environments_are_left_to_botocore(more: dict[str, str]) -> None:
    assert simple_endpoint({**PLAIN, **more}) is None


def test_configuration_file_is_left_to_botocore(home: Path) -> None:
    assert simple_endpoint(PLAIN) is not None
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text("[default]\nuse_fips_endpoint = true\n")
    assert simple_endpoint(PLAIN) is None


def test_missing_home_directory_has_no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert simple_endpoint(PLAIN) is not None


def test_session_token_is_part_of_the_credentials() -> None:
    place = simple_endpoint(PLAIN)
    assert place is not None
    assert place.credentials == Credentials("AKIDEXAMPLE", "secret", "token")
