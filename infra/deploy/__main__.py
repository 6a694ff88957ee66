"""`python -m infra.deploy`: deploy one stack or a whole stage, or destroy a stage."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from infra import terminal
from infra.deploy import stage as stages
from infra.deploy.errors import DeploymentError
from infra.deploy.target import deployment_of
from infra.repository import PLATFORM_STACKS, Repository

if TYPE_CHECKING:
    from infra.deploy.deployment import Deployment

_PLATFORM = "platform"


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="infra.deploy", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("deploy", help="deploy a service, a platform stack, or the platform")
    one.add_argument("name", nargs="?", default="")
    one.set_defaults(command=lambda deployment, given: deploy(deployment, given.name))
    everything = commands.add_parser("deploy-all", help="deploy the platform and every service")
    everything.set_defaults(command=lambda deployment, _: deployment.deploy_all())
    destroy_all = commands.add_parser("destroy", help="delete a stage with all of its data")
    destroy_all.set_defaults(command=lambda deployment, given: destroy(deployment, given.stage))
    for command in (one, everything, destroy_all):
        command.add_argument("--stage", default="dev")
    arguments = parser.parse_args()
    return terminal.run(lambda: arguments.command(_deployment(arguments.stage), arguments))


def _deployment(stage: str) -> Deployment:
    return deployment_of(Repository.here(), stage, terminal.say)


def deploy(deployment: Deployment, name: str) -> None:
    """Deploy what a name stands for."""
    repository = Repository.here()
    if name == _PLATFORM:
        for stack in PLATFORM_STACKS:
            deployment.deploy_platform(stack)
    elif name in PLATFORM_STACKS:
        deployment.deploy_platform(name)
    elif name in {service.name for service in repository.services()}:
        deployment.deploy_service(repository.service(name))
    else:
        known = [*(service.name for service in repository.services()), _PLATFORM, *PLATFORM_STACKS]
        raise DeploymentError(f"Say what to deploy, for example SERVICE=kv. Known: {', '.join(known)}.")


def destroy(deployment: Deployment, stage: str) -> None:
    """Delete a stage, after the developer has typed its name."""
    if stage != stages.LOCAL:
        terminal.say(f"This deletes every stack of the stage {stage!r}, with all accounts and all data, for good.")
        print("Type the stage's name to go on: ", end="", flush=True)
        if sys.stdin.readline().strip() != stage:
            raise DeploymentError("Nothing was deleted.")
    deployment.destroy()


if __name__ == "__main__":
    sys.exit(main())
