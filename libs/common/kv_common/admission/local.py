"""Admission in this process alone, while Redis does not answer.

Authentication stays as strict: keys are looked up in the credentials table and cached for 10 seconds at most. The token
bucket enforces the plan's rate for this process only. The monthly quota is unknown, so it is not enforced, and nothing
is metered.
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

VALID_DATA_S = 10.0
OTHER_DATA_S = 2.0
MAX_ENTRIES = 10_000

_DataKey = tuple[str, str | None, str]


class LocalAdmission:
    """Decides from `source` and in-process buckets; `now` is a clock in seconds since 1970."""

    def __init__(self, source: AdmissionDataSource, now: Callable[[], float]) -> None:
        self._source = source
        self._now = now
        self._cached: TLRUCache[_DataKey, AdmissionData] = TLRUCache(MAX_ENTRIES, ttu=_time_to_use, timer=now)
        self._arrivals: LRUCache[str, int] = LRUCache(MAX_ENTRIES)
        self._used: LRUCache[str, tuple[str, int]] = LRUCache(MAX_ENTRIES)

    def note(self, request: AdmissionRequest, decision: Decision) -> None:
        """Remember the month's usage from Redis, for the headers of responses without Redis."""
        if decision.charge is not None:
            self._used[request.account_id] = (decision.charge.month, decision.used)

    def decide(self, request: AdmissionRequest) -> Decision:
        """Decide without Redis; raises Unavailable when the tables do not answer either."""
        data = self._load(request)
        now = self._now()
        now_ms = int(now * 1000)
        key = data.key
        if request.digest is not None and (key is None or not key.is_valid(now_ms)):
            return Decision(Verdict.UNAUTHORIZED, Source.LOCAL, now_ms)
        verdict = Verdict.ADMITTED
        if key is not None and not request.scopes <= key.scopes:
            verdict = Verdict.WRONG_SCOPE
        elif key is not None and not key.covers(request.namespace):
            verdict = Verdict.WRONG_NAMESPACE
        bucket = token_bucket.take(
            self._arrivals.get(request.account_id, 0),
            int(now * 1_000_000),
            rate=data.limits.rate,
            burst=data.limits.burst,
            cost=request.cost if verdict is Verdict.ADMITTED else 0,
        )
        if not bucket.allowed:
            verdict = Verdict.RATE_LIMITED
        elif verdict is Verdict.ADMITTED:
            self._arrivals[request.account_id] = bucket.arrival
        return Decision(
            verdict=verdict,
            source=Source.LOCAL,
            now_ms=now_ms,
            limits=data.limits,
            remaining=bucket.remaining,
            reset_ms=math.ceil(bucket.reset / 1000),
            retry_ms=math.ceil(bucket.retry / 1000),
            used=self._last_known_use(request.account_id, now),
            stored=data.usage.stored,
            key_id=key.key_id if key else "",
            namespace_id=data.namespace_id,
        )

    def _load(self, request: AdmissionRequest) -> AdmissionData:
        cache_key = (request.account_id, request.digest, request.namespace)
        data = self._cached.get(cache_key)
        if data is None:
            data = self._source.load(*cache_key)
            self._cached[cache_key] = data
        return data

    def _last_known_use(self, account_id: str, now: float) -> int:
        month, used = self._used.get(account_id, ("", 0))
        return used if month == clock.month(int(now * 1000)) else 0


def _time_to_use(key: _DataKey, data: AdmissionData, now: float) -> float:
    """Keep denials for a shorter time than admissions, so that a new key or namespace works soon."""
    refused = data.key is not None and data.key.status is not KeyStatus.ACTIVE
    absent = bool(key[2]) and not data.namespace_id
    return now + (OTHER_DATA_S if refused or absent else VALID_DATA_S)
