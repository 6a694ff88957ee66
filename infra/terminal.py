"""Command lines: arguments in, an exit code and a clear message out."""

from __future__ import annotations

import enum
import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from infra.deploy.errors import DeploymentError
from infra.local.errors import LocalError
from infra.operations.events.errors import EventsError
from infra.operations.logs.errors import LogError
from infra.operations.queues.errors import QueueError
from infra.packaging.errors import PackagingError
from infra.repository import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Failures whose message is all that a developer needs.
EXPECTED = (
    DeploymentError,
    EventsError,
    LocalError,
    LogError,
    PackagingError,
    QueueError,
    UnknownNameError,
    BotoCoreError,
    ClientError,
)
#: The shell's code for a program that Ctrl-C ended.
INTERRUPTED = 130
#: What a terminal would take for a command rather than show.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Color(enum.StrEnum):
    """The colors that we use, as ANSI terminals take them."""

    BOLD = "1"
    DIM = "2"
    RED = "31"
    YELLOW = "33"


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
    except BrokenPipeError:
        # Whoever reads our output has enough: `make tail | head`. Python writes the rest when it ends; let it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def say(line: str) -> None:
    """Print a line of progress at once, also into a pipe."""
    print(line, flush=True)


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Run what goes on until Ctrl-C, which is then no failure."""
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)


def has_color() -> bool:
    """Whether standard output is a terminal whose user wants colors (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def colorize(text: str, color: Color | None, wanted: bool) -> str:  # noqa: FBT001 - like the text, what is colorize
    """The text in a color, if any is wanted."""
    return f"\x1b[{color}m{text}\x1b[0m" if wanted and color and text else text


def printable(text: str) -> str:
    """The text with its control characters spelled out: what others wrote must not command our terminal."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)
