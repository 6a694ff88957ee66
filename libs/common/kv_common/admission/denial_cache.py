"""Rate-limited tickets, remembered while they must stay so: a flood costs Redis a trip per token, not per request.

A bucket only ever gets emptier by what others take. So what Redis refuses now, it would refuse until the time it says,
and this process may say so in its place, exactly. It keeps that for a second at most, for a plan or a key may change.
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
    """What Redis refused a moment ago; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: LRUCache[Asked, tuple[float, Decision]] = LRUCache(MAX_ENTRIES)

    def now(self) -> float:
        """Return the time, to be taken before Redis is asked: its answer is never older than that."""
        return self._now()

    def note(self, ticket: AdmissionRequest, decision: Decision, asked_at: float) -> None:
        """Remember a decision if it is a refusal that time alone undoes."""
        if decision.verdict is Verdict.RATE_LIMITED:
            self._known[_asked(ticket)] = asked_at, decision

    def standing(self, ticket: AdmissionRequest) -> Decision | None:
        """Return the refusal of an equal ticket, as Redis would word it now, while it stands for certain."""
        asked_at, decision = self._known.get(_asked(ticket), (0.0, None))
        if decision is None:
            return None
        passed_ms = int((self._now() - asked_at) * 1000)
        # Redis's wait was rounded up to the millisecond.
        if passed_ms >= min(decision.retry_ms - 1, LONGEST_MS):
            return None
        return replace(
            decision,
            now_ms=decision.now_ms + passed_ms,
            reset_ms=decision.reset_ms - passed_ms,
            retry_ms=decision.retry_ms - passed_ms,
        )


def _asked(ticket: AdmissionRequest) -> Asked:
    """Return what a refusal depends on: another key, scope or namespace may be refused for another reason."""
    return ticket.account_id, ticket.digest, ticket.scopes, ticket.namespace, ticket.cost
