"""`python -m infra.operations.queues`: move a dead-letter queue back."""

from __future__ import annotations

import argparse
import sys

from infra import terminal
from infra.deploy import stage as stages
from infra.deploy.target import cloud_of
from infra.operations.queues.redrive import redrive
from infra.repository import Repository


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="infra.operations.queues", description=__doc__)
    parser.add_argument("queue", nargs="?", default="")
    parser.add_argument("--stage", default=stages.LOCAL)
    arguments = parser.parse_args()
    return terminal.run(lambda: _redrive(arguments.queue, arguments.stage))


def _redrive(queue: str, stage: str) -> None:
    moved = redrive(cloud_of(Repository.here(), stage).client("sqs"), stage, queue, terminal.say)
    terminal.say(f"{moved} messages are on their way again.")


if __name__ == "__main__":
    sys.exit(main())
