"""Fixtures of the unit tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mock_aws import MockAws


@pytest.fixture
def aws() -> Iterator[MockAws]:
    """An empty AWS account in this process."""
    from tests.support.mock_aws import mock_aws_account

    with mock_aws_account() as account:
        yield account
