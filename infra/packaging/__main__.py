"""`python -m infra.packaging`: build one service's package, or lint every template."""

from __future__ import annotations

import argparse
import sys

from infra import terminal
from infra.cloudformation.lint import lint
from infra.deploy import stage as stages
from infra.packaging import build_cache
from infra.packaging.architecture import Architecture
from infra.repository import PLATFORM_STACKS, Repository


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="infra.packaging", description=__doc__)
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="build and verify one service's package")
    build.add_argument("service", nargs="?", default="")
    build.add_argument("--stage", default="dev")
    build.set_defaults(command=lambda given: build_package(given.service, given.stage))
    check = commands.add_parser("lint", help="build every service and lint every template")
    check.set_defaults(command=lambda _: lint_everything())
    arguments = parser.parse_args()
    return terminal.run(lambda: arguments.command(arguments))


def build_package(name: str, stage: str) -> None:
    """Build a service for the architecture of a stage and say where the result is."""
    repository = Repository.here()
    package = build_cache.build(repository, repository.service(name), _architecture(repository, stage), terminal.say)
    terminal.say(f"zip:      {package.code.relative_to(repository.root)}")
    terminal.say(f"template: {package.template.relative_to(repository.root)}")


def lint_everything() -> None:
    """Lint the platform's templates; building a service lints its own."""
    repository = Repository.here()
    for name in PLATFORM_STACKS:
        lint(repository.platform_template(name))
    for service in repository.services():
        build_cache.build(repository, service, Architecture.of_host(), terminal.say)


def _architecture(repository: Repository, stage: str) -> Architecture:
    """The architecture of a stage; a stage without a file gets the one that AWS stages have by default."""
    if stage == stages.LOCAL:
        return Architecture.of_host()
    path = repository.stage_file(stage)
    return stages.read(path, stage).architecture if path.exists() else Architecture.ARM64


if __name__ == "__main__":
    sys.exit(main())
