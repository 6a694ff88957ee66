"""Caches rate-limit denials: a flood costs one Redis round trip per token instead of one per request.

Other requests can only empty a bucket further. So a denial holds until its retry time, and this process can repeat it
exactly. It is cached for a second at most, because a plan or a key may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachetools import LRUCache
from msgspec.structs import replace

from kv_common.admission.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.admission.model import AdmissionRequest, Decision

    Asked = tuple[str, str | None, frozenset[str], str, int]

LONGEST_MS = 1_000
MAX_ENTRIES = 10_000


class DenialCache:
    """Recent rate-limit denials of Redis; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: LRUCache[Asked, tuple[float, Decision]] = LRUCache(MAX_ENTRIES)

    def now(self) -> float:
        """Return the time, to be read before Redis is called: its reply is never older."""
        return self._now()

    def note(self, request: AdmissionRequest, decision: Decision, asked_at: float) -> None:
        """Cache a decision if it is a rate-limit denial."""
        if decision.verdict is Verdict.RATE_LIMITED:
            self._known[_asked(request)] = asked_at, decision

    def current(self, request: AdmissionRequest) -> Decision | None:
        """Return the cached denial of an equal request with the times that apply now, while it is certain."""
        asked_at, decision = self._known.get(_asked(request), (0.0, None))
        if decision is None:
            return None
        passed_ms = int((self._now() - asked_at) * 1000)
        # Redis rounds the wait up to the millisecond.
        if passed_ms >= min(decision.retry_ms - 1, LONGEST_MS):
            return None
        return replace(
            decision,
            now_ms=decision.now_ms + passed_ms,
            reset_ms=decision.reset_ms - passed_ms,
            retry_ms=decision.retry_ms - passed_ms,
        )


def _asked(request: AdmissionRequest) -> Asked:
    """Return what a denial depends on: another key, scope or namespace may be denied for another reason."""
    return request.account_id, request.digest, request.scopes, request.namespace, request.cost
