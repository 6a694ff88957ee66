"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.alerts import await_alerts
from tests.support.tenant import Tenant, sign_up

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment


@pytest.fixture
def slow_tenant(local: LocalEnvironment, http: httpx.Client) -> Tenant:
    """A new account with a bucket of five that refills at one a second."""
    return sign_up(local, http, plan="business", rate=1, burst=5)


@pytest.fixture
def small_tenant(local: LocalEnvironment, http: httpx.Client) -> Tenant:
    """A new account with three requests a month."""
    return sign_up(local, http, plan="business", quota=3)


@pytest.fixture
def owner(tenant: Tenant) -> Tenant:
    """A tenant that has received its welcome alert."""
    await_alerts(tenant, "welcome")
    return tenant
