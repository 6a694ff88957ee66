"""Signals that ask a command to end: it stops in order, whoever asks and how often."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StopRequested(BaseException):
    """SIGTERM or SIGHUP: `make stop`, the end of the session, a closed terminal.

    No Exception, just as KeyboardInterrupt is none: botocore takes those for failures of the network and tries again.
    """


@contextmanager
def stopping_on_request() -> Iterator[None]:
    """Raise StopRequested wherever the program is when it is asked to end."""

    def request(_number: int, _frame: object) -> None:
        raise StopRequested

    previous = {number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def without_interruption(action: Callable[[], None]) -> None:
    """Finish an action although the developer presses Ctrl-C again: half a stop loses data, or leaves things behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        action()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
