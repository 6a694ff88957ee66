"""Wait for a condition."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


def await_value(look: Callable[[], Found | None], *, within: float, pause: float = 0.05) -> Found:
    """Return the first truthy result of `look`; AssertionError with the last result after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"after {within} s still {found!r}"
        time.sleep(pause)
    return found
