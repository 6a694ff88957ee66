"""billing_service.secret_values: caching, outages, formats and Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from billing_service.secret_values import Cached, PaddleKeys, parse_binding_secrets, secret_reader
from kv_common.errors import Unavailable
from tests.unit.common.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_secretsmanager import SecretsManagerClient


class Source:
    """A secret that can change and be out of reach."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.up = True
        self.reads = 0

    def __call__(self) -> str:
        self.reads += 1
        if not self.up:
            raise Unavailable
        return self.value


def test_a_secret_is_read_once_in_five_minutes() -> None:
    clock, source = Clock(), Source("one")
    secret = Cached(source, clock, empty="")
    source_of = [secret.get() for _ in range(3)]
    source.value = "two"
    clock.pass_by(299)
    assert (source_of, secret.get(), source.reads) == (["one"] * 3, "one", 1)
    clock.pass_by(1)
    assert (secret.get(), source.reads) == ("two", 2)


def test_one_that_is_not_set_is_looked_for_again_after_ten_seconds() -> None:
    clock, source = Clock(), Source("")
    secret = Cached(source, clock, empty="")
    assert [secret.get(), secret.get()] == ["", ""]
    assert source.reads == 1
    source.value = "set"
    clock.pass_by(10)
    assert secret.get() == "set"


def test_one_that_was_read_goes_on_through_an_outage() -> None:
    clock, source = Clock(), Source("one")
    secret = Cached(source, clock, empty="")
    secret.get()
    source.up = False
    clock.pass_by(300)
    assert [secret.get(), secret.get()] == ["one", "one"]
    assert source.reads == 2


def test_one_that_was_never_read_is_not_made_up() -> None:
    source = Source("one")
    source.up = False
    with pytest.raises(Unavailable):
        Cached(source, Clock(), empty="").get()


def test_paddles_keys_are_read_from_json() -> None:
    keys = PaddleKeys.parse('{"webhook_secrets": [" a ", "b", ""], "api_key": " k "}')
    assert keys == PaddleKeys(("a", "b"), "k")


@pytest.mark.parametrize("text", ["", "pdl_secret", '{"webhook_secrets": "pdl_secret"}', '{"webhook_secrets": [1]}'])
def test_a_secret_in_another_form_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        PaddleKeys.parse(text)
    assert "pdl_secret" not in str(refusal.value)


def test_the_secrets_of_checkouts_are_separated_by_spaces() -> None:
    assert parse_binding_secrets(" new\nold ") == ("new", "old")


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManagerClient]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="us-east-1")


def test_secret_is_read_again_by_each_call_of_the_reader(secrets_manager: SecretsManagerClient) -> None:
    secrets_manager.create_secret(Name="binding", SecretString="old")
    read = secret_reader(secrets_manager, "binding", parse_binding_secrets)
    assert read() == ("old",)

    secrets_manager.put_secret_value(SecretId="binding", SecretString="new old")

    assert read() == ("new", "old")


def test_missing_secret_is_unavailable(secrets_manager: SecretsManagerClient) -> None:
    with pytest.raises(Unavailable):
        secret_reader(secrets_manager, "binding", parse_binding_secrets)()
