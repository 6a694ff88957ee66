"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


def await_value(look: Callable[[], Found | None], *, within: float, pause: float = 0.05) -> Found:
    """Return what `look` gives once it is truthy; AssertionError with the last answer after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"after {within} s still {found!r}"
        time.sleep(pause)
    return found
