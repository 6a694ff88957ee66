"""localstack-client reaches the emulator at the address that the local environment gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localstack_client.session import Session

from infra.deploy.cloud import EMULATOR_KEY, EMULATOR_SECRET

if TYPE_CHECKING:
    import pytest

    from infra.local.environment import LocalEnvironment


def test_client_reaches_the_emulator(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    # localstack-client uses boto3's default session, which another test may have made for a profile.
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    session = Session(EMULATOR_KEY, EMULATOR_SECRET, localstack_host=local.localstack_host)

    tables = session.client("dynamodb").list_tables()["TableNames"]

    assert any(name.startswith("kv-local-kv-") for name in tables)
