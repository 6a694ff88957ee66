"""Where a stage is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from infra.deploy.errors import DeploymentError
from infra.deploy.target import cloud_of
from infra.local.errors import LocalError
from infra.local.run_file import RunFile, Running
from infra.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


def test_local_is_the_emulator_that_runs_now(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    with pytest.raises(LocalError, match="make run"):
        cloud_of(repository, "local")
    RunFile(repository.local).write(Running(os.getpid(), "http://x", "http://127.0.0.1:4566", "redis://x", "http://p"))

    cloud = cloud_of(repository, "local")

    assert cloud.client("sqs").meta.endpoint_url == "http://127.0.0.1:4566"


def test_every_other_stage_is_in_aws_in_the_region_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    repository = Repository(tmp_path)
    with pytest.raises(DeploymentError, match="There is no stage 'dev'"):
        cloud_of(repository, "dev")
    repository.stage_file("dev").parent.mkdir(parents=True)
    repository.stage_file("dev").write_text('[stage]\nregion = "eu-west-3"\n')

    cloud = cloud_of(repository, "dev")

    assert cloud.endpoint is None
    assert cloud.client("sqs").meta.endpoint_url == "https://sqs.eu-west-3.amazonaws.com"
