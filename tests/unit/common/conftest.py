"""Keys are slow to make: one pair serves the whole session."""

from __future__ import annotations

import pytest

from tests.unit.common.issuer import Signer


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The key that the user pool signs with."""
    return Signer("pool-key-1")


@pytest.fixture(scope="session")
def stranger() -> Signer:
    """A key that is not the user pool's, under the same id."""
    return Signer("pool-key-1")
