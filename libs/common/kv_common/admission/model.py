"""Admission requests, data and decisions, and the rules that need no store."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from kv_common.api_keys import ANY_NAMESPACE, KeyStatus, Scope

if TYPE_CHECKING:
    from kv_common.plans import Plan


class Verdict(StrEnum):
    """The result of admission. MISSING is provisional: the script needs data that has to be loaded first."""

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

    `digest` is the SHA-256 of the API key, which needs all of `scopes`; None when an access token has authenticated the
    account. `cost` is in requests; 0 reads the state and consumes nothing. `namespace` is empty for routes outside any.
    """

    account_id: str
    digest: str | None
    scopes: frozenset[Scope]
    namespace: str
    operation: str
    cost: int = 1
    bytes_in: int = 0


class KeyRecord(msgspec.Struct, frozen=True):
    """An API key as its owner created it; `expires_at_ms` is 0 when it never expires."""

    key_id: str
    status: KeyStatus
    scopes: frozenset[Scope]
    namespaces: tuple[str, ...]
    expires_at_ms: int

    def is_valid(self, now_ms: int) -> bool:
        """Return whether the key is active at `now_ms`."""
        expired = 0 < self.expires_at_ms <= now_ms
        return self.status is KeyStatus.ACTIVE and not expired

    def covers(self, namespace: str) -> bool:
        """Return whether the key covers `namespace`; routes outside any namespace need no cover."""
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
    """An account's usage as last reported: requests in `month` (YYYY-MM), and bytes stored."""

    month: str = ""
    requests: int = 0
    stored: int = 0


class AdmissionData(msgspec.Struct, frozen=True):
    """What the tables hold for a request; `namespace_id` is empty when the account has no such namespace."""

    key: KeyRecord | None
    limits: Limits
    namespace_id: str
    usage: Usage = Usage()


class AdmissionDataSource(Protocol):
    """Loads what Redis lacks with strongly consistent reads, in one round trip."""

    def load(self, account_id: str, digest: str | None, namespace: str) -> AdmissionData:
        """Return the data; raises Unavailable."""
        ...


class Charge(msgspec.Struct, frozen=True):
    """How an admitted request was counted, for a refund: month `YYYY-MM`, minute since 1970."""

    month: str
    minute: int
    epoch: str
    meter_namespace: str
    operation: str
    cost: int
    bytes_in: int


class Decision(msgspec.Struct, frozen=True):
    """The result of admission, with the state that the rate-limit headers show.

    `remaining` is the requests left in the bucket, `reset_ms` the time until it is full, `retry_ms` the time until this
    request would be admitted, `used` the month's requests, `stored` the stored bytes. `limits` is None when no account
    was authenticated.
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
