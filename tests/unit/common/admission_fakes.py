"""What admission depends on, as a test sets it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kv_common.admission import AdmissionData, AdmissionRequest, Charge, Decision, KeyRecord, Limits, Source, Verdict
from kv_common.admission.redis import RedisAdmission
from kv_common.api_keys import KeyStatus, Scope
from kv_common.errors import Unavailable
from kv_common.plans import DEFAULT_PLAN
from kv_common.redis import RedisUnavailable

ACCOUNT = "8c0e9f1a-6f0e-4a51-9b53-0d6a1a3c2b7e"
DIGEST = "d" * 64
NAMESPACE_ID = "n0123456789a"

FREE = Limits.of(DEFAULT_PLAN)
KEY = KeyRecord("key_1", KeyStatus.ACTIVE, frozenset(Scope), ("*",), 0)
FACTS = AdmissionData(KEY, FREE, NAMESPACE_ID)
TICKET = AdmissionRequest(ACCOUNT, DIGEST, frozenset({Scope.READ}), "settings", "get")


def facts(limits: Limits = FREE, namespace_id: str = NAMESPACE_ID, **key: Any) -> AdmissionData:
    return AdmissionData(replace(KEY, **key), limits, namespace_id)


class Tables:
    """A source of facts that counts its questions; the tables answer as long as `facts` is set."""

    def __init__(self, response: AdmissionData | None = FACTS) -> None:
        self.facts = response
        self.request: list[tuple[str, str | None, str]] = []

    def load(self, account_id: str, digest: str | None, namespace: str) -> AdmissionData:
        self.request.append((account_id, digest, namespace))
        if self.facts is None:
            raise Unavailable
        return self.facts


class FakeRedis(RedisAdmission):
    """A limiter that knows what it was told and can be taken down; it admits everything it has facts for."""

    def __init__(self) -> None:
        self.down = False
        self.forgetful = False
        self.known: dict[str, AdmissionData] = {}
        self.request = 0
        self.refunded: list[tuple[str, Charge]] = []
        self.used = 0

    def decide(self, request: AdmissionRequest, facts: AdmissionData | None = None) -> Decision:
        self._answer()
        if facts is not None and not self.forgetful:
            self.known[request.account_id] = facts
        known = self.known.get(request.account_id)
        if known is None:
            return Decision(Verdict.MISSING, Source.REDIS, 0)
        self.used += request.cost
        charge = Charge("2026-11", 1, "epoch", known.namespace_id, request.operation, request.cost, request.bytes_in)
        return Decision(
            Verdict.ADMITTED,
            Source.REDIS,
            0,
            known.limits,
            used=self.used,
            stored=known.usage.stored,
            key_id=known.key.key_id if known.key else "",
            namespace_id=known.namespace_id,
            charge=charge if request.cost else None,
        )

    def refund(self, account_id: str, charge: Charge) -> None:
        self._answer()
        self.refunded.append((account_id, charge))

    def ping(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.request += 1
        if self.down:
            raise RedisUnavailable("down")
