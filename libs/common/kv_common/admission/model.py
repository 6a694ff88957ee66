"""What admission asks, knows and answers; pure data and the rules that need no store."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from kv_common.api_keys import ANY_NAMESPACE, KeyStatus, Scope

if TYPE_CHECKING:
    from kv_common.plans import Plan


class Verdict(StrEnum):
    """The answer to a ticket. MISSING is no answer: the script lacks facts that must be loaded first."""

    ADMITTED = "admitted"
    MISSING = "missing"
    UNAUTHORIZED = "unauthorized"
    WRONG_SCOPE = "wrong_scope"
    WRONG_NAMESPACE = "wrong_namespace"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"


class Source(StrEnum):
    """Who decided: the shared Redis, or this process alone while Redis does not answer."""

    REDIS = "redis"
    LOCAL = "local"


class AdmissionRequest(msgspec.Struct, frozen=True):
    """A request for admission.

    `digest` is the SHA-256 of the API key, or None when an access token has already proved the account; of the key, all
    `scopes` are asked. `cost` is in requests; 0 looks at the state and consumes nothing. `namespace` may be empty for
    routes outside any.
    """

    account_id: str
    digest: str | None
    scopes: frozenset[Scope]
    namespace: str
    operation: str
    cost: int = 1
    bytes_in: int = 0


class KeyRecord(msgspec.Struct, frozen=True):
    """An API key as its owner made it; `expires_at_ms` is 0 when it never expires."""

    key_id: str
    status: KeyStatus
    scopes: frozenset[Scope]
    namespaces: tuple[str, ...]
    expires_at_ms: int

    def is_valid(self, now_ms: int) -> bool:
        """Tell whether the key opens anything at all at `now_ms`."""
        expired = 0 < self.expires_at_ms <= now_ms
        return self.status is KeyStatus.ACTIVE and not expired

    def covers(self, namespace: str) -> bool:
        """Tell whether the key is for `namespace`; routes outside any namespace need no cover."""
        return not namespace or ANY_NAMESPACE in self.namespaces or namespace in self.namespaces


UNKNOWN_KEY = KeyRecord("", KeyStatus.UNKNOWN, frozenset(), (), 0)


class Limits(msgspec.Struct, frozen=True):
    """An account's limits: requests a second, burst in requests, requests a month, bytes stored.

    `version` grows with every change of the account's plan; 0 is the default plan's.
    """

    plan: str
    rate: int
    burst: int
    quota: int
    storage: int
    version: int = 0

    @classmethod
    def of(cls, plan: Plan) -> Limits:
        """Return the limits that `plan` gives."""
        return cls(plan.name, plan.requests_per_second, plan.burst, plan.requests_per_month, plan.storage_bytes)


class Usage(msgspec.Struct, frozen=True):
    """What an account has used, as last told: requests in `month` (YYYY-MM), and bytes stored."""

    month: str = ""
    requests: int = 0
    stored: int = 0


class AdmissionData(msgspec.Struct, frozen=True):
    """What the tables say about a ticket; `namespace_id` is empty when the account has no such namespace."""

    key: KeyRecord | None
    limits: Limits
    namespace_id: str
    use: Usage = Usage()


class AdmissionDataSource(Protocol):
    """Where facts come from when Redis lacks them: strongly consistent reads of the tables, in one trip."""

    def load(self, account_id: str, digest: str | None, namespace: str) -> AdmissionData:
        """Return the facts; raises Unavailable when the tables do not answer."""
        ...


class Charge(msgspec.Struct, frozen=True):
    """What an admitted request was counted as, so that it can be taken back: month `YYYY-MM`, minute since 1970."""

    month: str
    minute: int
    epoch: str
    meter_namespace: str
    operation: str
    cost: int
    bytes_in: int


class Decision(msgspec.Struct, frozen=True):
    """The answer to a ticket, with the state that the rate-limit headers show.

    `remaining` counts requests left in the bucket, `reset_ms` is until the bucket is full, `retry_ms` until this
    ticket would pass, `used` counts the month's requests, `stored` the bytes kept. `limits` is None where no key or
    token proved an account.
    """

    verdict: Verdict
    source: Source
    now_ms: int
    limits: Limits | None = None
    remaining: int = 0
    reset_ms: int = 0
    retry_ms: int = 0
    used: int = 0
    stored: int = 0
    key_id: str = ""
    namespace_id: str = ""
    charge: Charge | None = None
