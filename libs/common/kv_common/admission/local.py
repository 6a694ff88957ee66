"""Admission in this process alone, while Redis does not answer.

Authentication is as strict as ever: keys are looked up in the credentials table, and an answer serves for 10 seconds
at most. The token bucket holds the plan's rate for this process only, and the monthly quota cannot be known, so it is
not enforced; nothing is metered.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cachetools import LRUCache, TLRUCache

from kv_common import clock
from kv_common.admission import token_bucket
from kv_common.admission.model import AdmissionData, AdmissionDataSource, AdmissionRequest, Decision, Source, Verdict
from kv_common.api_keys import KeyStatus

if TYPE_CHECKING:
    from collections.abc import Callable

VALID_FACTS_S = 10.0
OTHER_FACTS_S = 2.0
MAX_ENTRIES = 10_000

_FactsKey = tuple[str, str | None, str]


class LocalAdmission:
    """Answers tickets from `source` and buckets of its own; `now` is a clock in seconds since 1970."""

    def __init__(self, source: AdmissionDataSource, now: Callable[[], float]) -> None:
        self._source = source
        self._now = now
        self._facts: TLRUCache[_FactsKey, AdmissionData] = TLRUCache(MAX_ENTRIES, ttu=_time_to_use, timer=now)
        self._arrivals: LRUCache[str, int] = LRUCache(MAX_ENTRIES)
        self._used: LRUCache[str, tuple[str, int]] = LRUCache(MAX_ENTRIES)

    def note(self, ticket: AdmissionRequest, decision: Decision) -> None:
        """Remember the month's use that Redis told, for the headers of answers without Redis."""
        if decision.charge is not None:
            self._used[ticket.account_id] = (decision.charge.month, decision.used)

    def decide(self, ticket: AdmissionRequest) -> Decision:
        """Answer without Redis; raises Unavailable when the tables do not answer either."""
        facts = self._load(ticket)
        now = self._now()
        now_ms = int(now * 1000)
        key = facts.key
        if ticket.digest is not None and (key is None or not key.is_valid(now_ms)):
            return Decision(Verdict.UNAUTHORIZED, Source.LOCAL, now_ms)
        verdict = Verdict.ADMITTED
        if key is not None and not ticket.scopes <= key.scopes:
            verdict = Verdict.WRONG_SCOPE
        elif key is not None and not key.covers(ticket.namespace):
            verdict = Verdict.WRONG_NAMESPACE
        bucket = token_bucket.take(
            self._arrivals.get(ticket.account_id, 0),
            int(now * 1_000_000),
            rate=facts.limits.rate,
            burst=facts.limits.burst,
            cost=ticket.cost if verdict is Verdict.ADMITTED else 0,
        )
        if not bucket.allowed:
            verdict = Verdict.RATE_LIMITED
        elif verdict is Verdict.ADMITTED:
            self._arrivals[ticket.account_id] = bucket.arrival
        return Decision(
            verdict=verdict,
            source=Source.LOCAL,
            now_ms=now_ms,
            limits=facts.limits,
            remaining=bucket.remaining,
            reset_ms=math.ceil(bucket.reset / 1000),
            retry_ms=math.ceil(bucket.retry / 1000),
            used=self._last_known_use(ticket.account_id, now),
            stored=facts.use.stored,
            key_id=key.key_id if key else "",
            namespace_id=facts.namespace_id,
        )

    def _load(self, ticket: AdmissionRequest) -> AdmissionData:
        cache_key = (ticket.account_id, ticket.digest, ticket.namespace)
        facts = self._facts.get(cache_key)
        if facts is None:
            facts = self._source.load(*cache_key)
            self._facts[cache_key] = facts
        return facts

    def _last_known_use(self, account_id: str, now: float) -> int:
        month, used = self._used.get(account_id, ("", 0))
        return used if month == clock.month(int(now * 1000)) else 0


def _time_to_use(key: _FactsKey, facts: AdmissionData, now: float) -> float:
    """Let a refusal expire sooner than a yes, so that a key or namespace just made works soon."""
    refused = facts.key is not None and facts.key.status is not KeyStatus.ACTIVE
    absent = bool(key[2]) and not facts.namespace_id
    return now + (OTHER_FACTS_S if refused or absent else VALID_FACTS_S)
