"""The rate-limit headers of a response, in the common `X-` form and in the form of the IETF draft."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kv_common.clock import month_span

if TYPE_CHECKING:
    from kv_common.admission.model import Decision


def rate_limit_headers(decision: Decision) -> dict[str, str]:
    """Return both forms for `decision`; empty when no account was authenticated.

    `X-…-Reset` is a Unix time in seconds, the draft's `t` the seconds until then. Remaining requests are never shown
    above the limit a second, although the bucket may hold a burst of more.
    """
    limits = decision.limits
    if limits is None:
        return {}
    now_s = decision.now_ms / 1000
    left = max(0, min(decision.remaining, limits.rate))
    reset = math.ceil(decision.reset_ms / 1000)
    quota_left = max(0, limits.quota - decision.used)
    month_start, month_end = (at_ms // 1000 for at_ms in month_span(decision.now_ms))
    quota_reset = math.ceil(month_end - now_s)
    return {
        "X-RateLimit-Limit": str(limits.rate),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(math.ceil(now_s + decision.reset_ms / 1000)),
        "X-Quota-Limit": str(limits.quota),
        "X-Quota-Remaining": str(quota_left),
        "X-Quota-Reset": str(month_end),
        "RateLimit-Policy": f'"rps";q={limits.rate};w=1, "month";q={limits.quota};w={month_end - month_start}',
        "RateLimit": f'"rps";r={left};t={reset}, "month";r={quota_left};t={quota_reset}',
    }


def retry_after(decision: Decision) -> int:
    """Return the whole seconds, at least 1, after which a rate-limited request would be admitted."""
    return max(1, math.ceil(decision.retry_ms / 1000))


def quota_retry_after(decision: Decision) -> int:
    """Return the whole seconds until the month ends and the quota resets."""
    now_s = decision.now_ms / 1000
    return max(1, math.ceil(month_span(decision.now_ms)[1] / 1000 - now_s))
