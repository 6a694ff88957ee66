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

    def decide(self, ticket: AdmissionRequest, facts: AdmissionData | None = None) -> Decision:
        """Return Redis's answer; MISSING asks for a second call with `facts`."""
        keyed = ticket.digest is not None
        arguments: list[str | int] = [
            (",".join(sorted(ticket.scopes)) or _NO_SCOPE) if keyed else "",
            ticket.namespace,
            ticket.operation,
            ticket.cost,
            ticket.bytes_in,
            secrets.token_hex(8),
            "0",
        ]
        if facts is not None:
            arguments[-1] = "1"
            arguments += _offer(facts)
        answer = self._admission(_keys(ticket, facts), arguments)
        return _decision(_replies.decode(cast("bytes", answer)), ticket)

    def refund(self, account_id: str, charge: Charge) -> None:
        """Take back what an admitted request was counted as."""
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
        """Tell every process that `name` now stands for `namespace_id`."""
        names = f"{{{account_id}}}:namespaces"
        self._client.transaction(names, ("HSET", names, name, namespace_id), ("EXPIRE", names, NAMESPACES_S))

    def forget_namespace(self, account_id: str, name: str, namespace_id: str) -> None:
        """Tell every process that `namespace_id` is gone, and keep a slow reader from bringing it back."""
        names = f"{{{account_id}}}:namespaces"
        tombstone = ("SET", f"{{{account_id}}}:gone:{namespace_id}", "1", "EX", NAMESPACES_S)
        self._client.transaction(names, tombstone, ("HDEL", names, name))

    def revoke_key(self, account_id: str, digest: str) -> None:
        """Tell every process that the key is closed, and keep a slow reader from opening it again."""
        key = f"{{{account_id}}}:key:{digest}"
        self._client.transaction(key, ("HSET", key, "status", KeyStatus.REVOKED), ("EXPIRE", key, REVOKED_KEY_S))

    def set_limits(self, account_id: str, limits: Limits) -> None:
        """Put limits in force at once, unless newer ones are."""
        self._limits(
            [f"{{{account_id}}}:limits"],
            [limits.plan, limits.rate, limits.burst, limits.quota, limits.storage, limits.version],
        )

    def close_account(self, account_id: str) -> None:
        """Refuse everything in the account's name from now on, and forget what it used."""
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
    """Return the text of one of the Lua files here."""
    return resources.files("kv_common.admission").joinpath("scripts").joinpath(name).read_text("utf-8")


def _keys(ticket: AdmissionRequest, facts: AdmissionData | None) -> list[str]:
    tag = f"{{{ticket.account_id}}}"
    return [
        f"{tag}:key:{ticket.digest or ''}",
        f"{tag}:limits",
        f"{tag}:namespaces",
        f"{tag}:bucket",
        f"{tag}:quota",
        f"{tag}:meter",
        f"{tag}:gone:{facts.namespace_id if facts else ''}",
    ]


def _offer(facts: AdmissionData) -> list[str | int]:
    key = facts.key
    record: list[str | int] = (
        ["", "", "", "", 0]
        if key is None
        else [key.status, key.key_id, ",".join(sorted(key.scopes)), ",".join(key.namespaces), key.expires_at_ms]
    )
    limits, use = facts.limits, facts.use
    record += [limits.plan, limits.rate, limits.burst, limits.quota, facts.namespace_id]
    return [*record, limits.storage, limits.version, use.month, use.requests, use.stored]


class _Reply(msgspec.Struct, array_like=True, frozen=True):
    """What admission.lua returns; only the first two where no account was proved."""

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


def _decision(reply: _Reply, ticket: AdmissionRequest) -> Decision:
    if reply.verdict in (Verdict.MISSING, Verdict.UNAUTHORIZED):
        return Decision(reply.verdict, Source.REDIS, now_ms=reply.now_ms)
    counted = reply.verdict is Verdict.ADMITTED and ticket.cost > 0
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
            ticket.operation,
            ticket.cost,
            ticket.bytes_in,
        )
        if counted
        else None,
    )
