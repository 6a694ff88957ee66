"""Admission in Redis: one script call, shared by every process."""

from __future__ import annotations

import math
import secrets
from importlib import resources
from typing import TYPE_CHECKING, cast

import msgspec

from kv_common.admission.model import AdmissionData, AdmissionRequest, Charge, Decision, Limits, Source, Verdict
from kv_common.api_keys import KeyStatus
from kv_common.redis import RedisSettings, connect
from kv_common.redis.settings import TIMEOUT_S

if TYPE_CHECKING:
    from kv_common.redis import RedisClient

NAMESPACES_S = 3_600
REVOKED_KEY_S = 24 * 3_600
_NO_SCOPE = "-"
CLOSED_ACCOUNT_S = 24 * 3_600  # longer than an access token lives


class RedisAdmission:
    """Runs the admission script in Redis; every method raises RedisUnavailable."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._admission = client.script(script("admission.lua"))
        self._refund = client.script(script("refund.lua"))
        self._limits = client.script(script("limits.lua"))

    @classmethod
    def at(cls, url: str, *, timeout_s: float = TIMEOUT_S) -> RedisAdmission:
        """Return admission on one Redis node; ValueError for a malformed address."""
        return cls(connect(RedisSettings(url, timeout_s=timeout_s)))

    def decide(self, request: AdmissionRequest, data: AdmissionData | None = None) -> Decision:
        """Return Redis's decision; MISSING requires a second call with `data`."""
        keyed = request.digest is not None
        arguments: list[str | int] = [
            (",".join(sorted(request.scopes)) or _NO_SCOPE) if keyed else "",
            request.namespace,
            request.operation,
            request.cost,
            request.bytes_in,
            secrets.token_hex(8),
            "0",
        ]
        if data is not None:
            arguments[-1] = "1"
            arguments += _offer(data)
        answer = self._admission(_keys(request, data), arguments)
        return _decision(_replies.decode(cast("bytes", answer)), request)

    def refund(self, account_id: str, charge: Charge) -> None:
        """Refund an admitted request."""
        self._refund(
            [f"{{{account_id}}}:quota", f"{{{account_id}}}:meter"],
            [
                charge.month,
                charge.minute,
                charge.meter_namespace,
                charge.operation,
                charge.cost,
                charge.bytes_in,
                charge.epoch,
            ],
        )

    def remember_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        """Make every process resolve `name` to `namespace_id`."""
        names = f"{{{account_id}}}:namespaces"
        self._client.transaction(names, ("HSET", names, name, namespace_id), ("EXPIRE", names, NAMESPACES_S))

    def forget_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        """Make every process forget `namespace_id`, and keep a slow reader from restoring it."""
        names = f"{{{account_id}}}:namespaces"
        tombstone = ("SET", f"{{{account_id}}}:gone:{namespace_id}", "1", "EX", NAMESPACES_S)
        self._client.transaction(names, tombstone, ("HDEL", names, name))

    def revoke_key(self, account_id: str, digest: str) -> None:
        """Revoke the key in every process, and keep a slow reader from restoring it."""
        key = f"{{{account_id}}}:key:{digest}"
        self._client.transaction(key, ("HSET", key, "status", KeyStatus.REVOKED), ("EXPIRE", key, REVOKED_KEY_S))

    def set_limits(self, account_id: str, limits: Limits) -> None:
        """Apply limits at once, unless newer ones are applied."""
        self._limits(
            [f"{{{account_id}}}:limits"],
            [limits.plan, limits.rate, limits.burst, limits.quota, limits.storage, limits.version],
        )

    def close_account(self, account_id: str) -> None:
        """Deny every request of the account from now on, and delete its counters."""
        tag = f"{{{account_id}}}"
        self._client.transaction(
            f"{tag}:limits",
            ("HSET", f"{tag}:limits", "plan", "closed"),
            ("EXPIRE", f"{tag}:limits", CLOSED_ACCOUNT_S),
            ("DEL", f"{tag}:namespaces", f"{tag}:bucket", f"{tag}:quota", f"{tag}:meter"),
        )

    def ping(self) -> None:
        """Return if every primary answers."""
        for node in self._client.primaries():
            node.call("PING")


def script(name: str) -> str:
    """Return the source of a Lua script."""
    return resources.files("kv_common.admission").joinpath("scripts").joinpath(name).read_text("utf-8")


def _keys(request: AdmissionRequest, data: AdmissionData | None) -> list[str]:
    tag = f"{{{request.account_id}}}"
    return [
        f"{tag}:key:{request.digest or ''}",
        f"{tag}:limits",
        f"{tag}:namespaces",
        f"{tag}:bucket",
        f"{tag}:quota",
        f"{tag}:meter",
        f"{tag}:gone:{data.namespace_id if data else ''}",
    ]


def _offer(data: AdmissionData) -> list[str | int]:
    key = data.key
    record: list[str | int] = (
        ["", "", "", "", 0]
        if key is None
        else [key.status, key.key_id, ",".join(sorted(key.scopes)), ",".join(key.namespaces), key.expires_at_ms]
    )
    limits, usage = data.limits, data.usage
    record += [limits.plan, limits.rate, limits.burst, limits.quota, data.namespace_id]
    return [*record, limits.storage, limits.version, usage.month, usage.requests, usage.stored]


class _Reply(msgspec.Struct, array_like=True, frozen=True):
    """What admission.lua returns; only the first two fields when no account was authenticated."""

    verdict: Verdict
    now_ms: int
    plan: str = ""
    rate: int = 0
    burst: int = 0
    quota: int = 0
    remaining: int = 0
    reset_us: int = 0
    retry_us: int = 0
    used: int = 0
    key_id: str = ""
    namespace_id: str = ""
    month: str = ""
    minute: int = 0
    epoch: str = ""
    storage: int = 0
    stored: int = 0


_replies = msgspec.msgpack.Decoder(_Reply)


def _decision(reply: _Reply, request: AdmissionRequest) -> Decision:
    if reply.verdict in (Verdict.MISSING, Verdict.UNAUTHORIZED):
        return Decision(reply.verdict, Source.REDIS, now_ms=reply.now_ms)
    counted = reply.verdict is Verdict.ADMITTED and request.cost > 0
    return Decision(
        verdict=reply.verdict,
        source=Source.REDIS,
        now_ms=reply.now_ms,
        limits=Limits(reply.plan, reply.rate, reply.burst, reply.quota, reply.storage),
        remaining=reply.remaining,
        reset_ms=math.ceil(reply.reset_us / 1000),
        retry_ms=math.ceil(reply.retry_us / 1000),
        used=reply.used,
        stored=reply.stored,
        key_id=reply.key_id,
        namespace_id=reply.namespace_id,
        charge=Charge(
            reply.month,
            reply.minute,
            reply.epoch,
            reply.namespace_id or "-",
            request.operation,
            request.cost,
            request.bytes_in,
        )
        if counted
        else None,
    )
