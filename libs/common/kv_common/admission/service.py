"""Admission: by Redis while it answers, by this process alone while it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kv_common.admission.circuit_breaker import CircuitBreaker
from kv_common.admission.denial_cache import DenialCache
from kv_common.admission.headers import quota_retry_after, retry_after
from kv_common.admission.local import LocalAdmission
from kv_common.admission.model import AdmissionDataSource, AdmissionRequest, Decision, Verdict
from kv_common.errors import AppError, Forbidden, QuotaExceeded, RateLimited, Unauthorized, Unavailable
from kv_common.redis import RedisUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.admission.redis import RedisAdmission


class Admission:
    """Decides whether requests may be served; raises Unavailable only when neither Redis nor the tables answer.

    `monotonic` and `wall` are clocks in seconds.
    """

    def __init__(
        self,
        redis: RedisAdmission,
        source: AdmissionDataSource,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._source = source
        self._local = LocalAdmission(source, wall)
        self._breaker = CircuitBreaker(monotonic)
        self._denials = DenialCache(monotonic)

    def decide(self, request: AdmissionRequest) -> Decision:
        """Return the decision on `request`; a denial does not raise."""
        denied = self._denials.current(request)
        if denied is not None:
            return denied
        if self._breaker.allows():
            try:
                return self._ask_redis(request)
            except RedisUnavailable as error:
                if error.is_outage:
                    self._breaker.failed()
        return self._local.decide(request)

    def refund(self, account_id: str, decision: Decision) -> bool:
        """Refund what `decision` counted, because the request ended in a 5xx; False when Redis did not answer."""
        if decision.charge is None:
            return True
        try:
            self._redis.refund(account_id, decision.charge)
        except RedisUnavailable:
            return False
        return True

    def _ask_redis(self, request: AdmissionRequest) -> Decision:
        asked_at = self._denials.now()
        decision = self._redis.decide(request)
        if decision.verdict is Verdict.MISSING:
            data = self._source.load(request.account_id, request.digest, request.namespace)
            decision = self._redis.decide(request, data)
        self._breaker.succeeded()
        self._local.note(request, decision)
        self._denials.note(request, decision, asked_at)
        return decision


def require_admitted(request: AdmissionRequest, decision: Decision) -> None:
    """Return if `decision` admits the request; else raise the error for the caller."""
    if decision.verdict is not Verdict.ADMITTED:
        raise _refusal(request, decision)


def _refusal(request: AdmissionRequest, decision: Decision) -> AppError:
    match decision.verdict:
        case Verdict.UNAUTHORIZED:
            return Unauthorized("The API key is not valid.")
        case Verdict.WRONG_SCOPE:
            # Separated by spaces, as in OAuth.
            scopes = " ".join(sorted(request.scopes))
            return Forbidden(f"The API key has no {scopes} scope.", details={"required_scope": scopes})
        case Verdict.WRONG_NAMESPACE:
            return Forbidden("The API key is not for this namespace.")
        case Verdict.RATE_LIMITED:
            wait = retry_after(decision)
            return RateLimited(
                "Too many requests. Please slow down.",
                details={"retry_after": wait},
                headers={"Retry-After": str(wait)},
            )
        case Verdict.QUOTA_EXCEEDED:
            wait = quota_retry_after(decision)
            limits = decision.limits
            return QuotaExceeded(
                "The month's requests are used up. Upgrade the plan, or wait for the month to turn.",
                details={"plan": limits.plan if limits else "", "quota": limits.quota if limits else 0},
                headers={"Retry-After": str(wait)},
            )
        case _:
            # MISSING twice: Redis lost the data between two calls, for instance by FLUSHALL.
            return Unavailable()
