"""One address for every emulator of AWS: localstack-client, the compose file and `make run` agree."""

from __future__ import annotations

import re

from localstack_client import config

from infra.repository import Repository


def test_compose_file_publishes_the_port_that_localstack_client_expects() -> None:
    compose = (Repository.here().root / "docker-compose.localstack.yml").read_text()

    published = re.findall(r'"127\.0\.0\.1:(\d+):(\d+)"', compose)

    assert published[0] == (str(config.DEFAULT_EDGE_PORT),) * 2


def test_make_run_uses_the_same_port_unless_another_is_chosen() -> None:
    page = (Repository.here().root / "docs" / "local.md").read_text()

    assert f"LOCALSTACK_HOST=127.0.0.1:{config.DEFAULT_EDGE_PORT}" in page
    assert f"PORT={config.DEFAULT_EDGE_PORT}" in (Repository.here().root / "Makefile").read_text()
