"""Signing keys, generated once per session because that is slow."""

from __future__ import annotations

import pytest

from tests.unit.common.issuer import Signer


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The user pool's signing key."""
    return Signer("pool-key-1")


@pytest.fixture(scope="session")
def stranger() -> Signer:
    """A key with the same id that is not the user pool's."""
    return Signer("pool-key-1")
