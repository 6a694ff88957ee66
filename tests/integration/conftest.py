"""Fixtures of the tests that look under the API: kv in this process, and real Redis and tables below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kv_service.bootstrap import Kv, bootstrap
from tests.support.kv_process import enter

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment


@pytest.fixture
def kv(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Kv:
    """kv with its real dependencies, in this process."""
    return bootstrap(enter(local, "kv", monkeypatch))
