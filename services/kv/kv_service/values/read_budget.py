"""How much several operations may read together."""

from __future__ import annotations

from threading import Lock

from kv_common.errors import PayloadTooLarge

MAX_READ_BYTES = 20_000_000
"""A function has room for so much, several times over, and not for a hundred values of the largest size."""


class ReadBudget:
    """Bytes of values that one request may still read; several threads may take from it."""

    def __init__(self, bytes_left: int = MAX_READ_BYTES) -> None:
        self._left = bytes_left
        self._lock = Lock()

    def take(self, size: int) -> None:
        """Take `size` bytes; PayloadTooLarge when there are not so many left, of which none is taken then."""
        with self._lock:
            if size > self._left:
                raise PayloadTooLarge(
                    f"The operations of a batch may read values of {MAX_READ_BYTES} bytes in all at most.",
                    details={"reason": "read_size", "max_bytes": MAX_READ_BYTES},
                )
            self._left -= size
