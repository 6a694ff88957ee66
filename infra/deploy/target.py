"""Where a stage is: the running emulator for `local`, AWS for every other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.deploy import stage as stages
from infra.deploy.cloud import Cloud
from infra.deploy.deployment import Deployment
from infra.local.environment import local_deployment
from infra.local.run_file import RunFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.repository import Repository


def deployment_of(repository: Repository, stage: str, say: Callable[[str], None] = print) -> Deployment:
    """A deployment to a stage; LocalError when it is the local one and nothing runs."""
    if stage == stages.LOCAL:
        running = RunFile(repository.local).require()
        return local_deployment(repository, running.aws_endpoint, running.redis_url, running.paddle_url, say)
    settings = stages.read(repository.stage_file(stage), stage)
    return Deployment(repository, settings, Cloud.aws(settings.region), say=say)


def cloud_of(repository: Repository, stage: str) -> Cloud:
    """The cloud that a stage is in."""
    return deployment_of(repository, stage).cloud
