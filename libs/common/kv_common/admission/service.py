"""Admission as the services call it: Redis while it answers, this process alone while it does not."""

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
    """Decides on tickets; raises Unavailable only when neither Redis nor the tables answer.

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

    def decide(self, ticket: AdmissionRequest) -> Decision:
        """Return the answer to `ticket`, whatever it is, without raising for a refusal."""
        denied = self._denials.standing(ticket)
        if denied is not None:
            return denied
        if self._breaker.allows():
            try:
                return self._ask_redis(ticket)
            except RedisUnavailable as error:
                if error.is_outage:
                    self._breaker.failed()
        return self._local.decide(ticket)

    def refund(self, account_id: str, decision: Decision) -> bool:
        """Take back what `decision` counted, because the request ended in a 5xx; False when Redis did not answer."""
        if decision.charge is None:
            return True
        try:
            self._redis.refund(account_id, decision.charge)
        except RedisUnavailable:
            return False
        return True

    def _ask_redis(self, ticket: AdmissionRequest) -> Decision:
        asked_at = self._denials.now()
        decision = self._redis.decide(ticket)
        if decision.verdict is Verdict.MISSING:
            facts = self._source.load(ticket.account_id, ticket.digest, ticket.namespace)
            decision = self._redis.decide(ticket, facts)
        self._breaker.succeeded()
        self._local.note(ticket, decision)
        self._denials.note(ticket, decision, asked_at)
        return decision


def require_admitted(ticket: AdmissionRequest, decision: Decision) -> None:
    """Return if `decision` is yes; else raise the error that the caller shall see."""
    if decision.verdict is not Verdict.ADMITTED:
        raise _refusal(ticket, decision)


def _refusal(ticket: AdmissionRequest, decision: Decision) -> AppError:
    match decision.verdict:
        case Verdict.UNAUTHORIZED:
            return Unauthorized("The API key is not valid.")
        case Verdict.WRONG_SCOPE:
            # Several in one text, as OAuth writes them.
            scopes = " ".join(sorted(ticket.scopes))
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
            # MISSING twice: Redis lost what it had just been given, for instance in a flush between two calls.
            return Unavailable()
