"""What the flusher needs of its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kv_common.events import Event


class UsageOutbox(Protocol):
    """Where usage is published from; may raise Unavailable when only a part has been written."""

    def put(self, events: Sequence[Event], used: Mapping[str, Mapping[str, int]], *, now_s: int) -> None:
        """Store events, and the requests used by account and month, from which lost quota counters continue."""
