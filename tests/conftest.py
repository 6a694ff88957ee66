"""Fixtures of all tests: the local environment, started once, by the first test that uses it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from infra.local.environment import LocalEnvironment
from tests.support.tenant import Tenant, client, sign_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make soak`."""
    parser.addoption("--soak", action="store_true", help="run randomized tests ten times as long")


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> int:
    """The factor for the length of randomized tests."""
    return 10 if pytestconfig.getoption("soak") else 1


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LocalEnvironment]:
    """The emulator and Redis with every stack deployed, on free ports and with a temporary state folder.

    Its servers' output is in `<state_dir>/emulator.log` and `<state_dir>/redis/redis.log`.
    """
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    lines: list[str] = []

    def announce(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n[local environment] {line}", flush=True)

    started = time.monotonic()
    announce("starting …")
    environment = LocalEnvironment(tmp_path_factory.mktemp("local"), say=lines.append)
    try:
        with environment:
            environment.deploy()
            announce(f"ready in {time.monotonic() - started:.1f} s at {environment.base_url}")
            yield environment
    except BaseException:
        announce("failed. What it did last:\n" + "\n".join(lines[-40:]))
        raise


@pytest.fixture(scope="session")
def http(local: LocalEnvironment) -> Iterator[httpx.Client]:
    """A client of the local HTTP API."""
    with client(local) as http:
        yield http


@pytest.fixture
def tenant(local: LocalEnvironment, http: httpx.Client) -> Tenant:
    """A new account with high limits."""
    return sign_up(local, http, plan="business")
