"""Fixtures of the integration tests: services in this process, with a real Redis and real tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import auth_service.container
import kv_service.container
from tests.support.kv_process import enter

if TYPE_CHECKING:
    from auth_service.container import Auth
    from infra.local.environment import LocalEnvironment
    from kv_service.container import Kv


@pytest.fixture
def kv(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Kv:
    """kv with its real dependencies, in this process."""
    return kv_service.container.bootstrap(enter(local, "kv", monkeypatch))


@pytest.fixture
def auth(local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch) -> Auth:
    """auth with its real dependencies, in this process."""
    return auth_service.container.bootstrap(enter(local, "auth", monkeypatch))
