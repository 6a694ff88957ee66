"""Command lines: arguments in, an exit code and a clear message out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from infra.deploy.errors import DeploymentError
from infra.local.errors import LocalError
from infra.packaging.errors import PackagingError
from infra.queues.errors import QueueError
from infra.repository import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Failures whose message is all that a developer needs.
EXPECTED = (
    DeploymentError,
    LocalError,
    PackagingError,
    QueueError,
    UnknownNameError,
    BotoCoreError,
    ClientError,
)
#: The shell's code for a program that Ctrl-C ended.
INTERRUPTED = 130


def run(command: Callable[[], None]) -> int:
    """Run a command; a failure that we foresee is a message, not a traceback."""
    try:
        command()
    except EXPECTED as error:
        print(f"\nError: {error}", file=sys.stderr, flush=True)
        if isinstance(error, NoCredentialsError):
            print("Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr, flush=True)
        return INTERRUPTED
    return 0


def say(line: str) -> None:
    """Print a line of progress at once, also into a pipe."""
    print(line, flush=True)
