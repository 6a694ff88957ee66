"""API keys: `kv_live_<account><secret><checksum>`, each part in base62.

The key contains the account so that one Redis script finds all data on one shard; it is a hint for routing and proves
nothing. Keys are authenticated by the SHA-256 of the whole key; only the hash is stored. The checksum allows rejecting
malformed keys without I/O, and lets secret scanners recognize leaked keys; it does not protect anything.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
import zlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from kv_common import base62

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "kv_live_"
_ACCOUNT_WIDTH = 22  # 128 bits
_SECRET_WIDTH = 43  # 256 bits
_CHECKSUM_WIDTH = 6  # 32 bits
_BODY_WIDTH = len(PREFIX) + _ACCOUNT_WIDTH + _SECRET_WIDTH
LENGTH = _BODY_WIDTH + _CHECKSUM_WIDTH
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{LENGTH - len(PREFIX)}}}")
_DISPLAY_WIDTH = len(PREFIX) + _ACCOUNT_WIDTH + 4

ANY_NAMESPACE = "*"
"""The entry in a key's namespaces that allows all namespaces of its account."""


class Scope(StrEnum):
    """An operation that a key may be allowed."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    LIST = "list"


class KeyStatus(StrEnum):
    """Status of a key in the credentials table; UNKNOWN for a key that was never stored."""

    ACTIVE = "active"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class ApiKey(msgspec.Struct, frozen=True):
    """A well-formed key: the account that it claims, and the digest (SHA-256, hex) that identifies its record."""

    account_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A new key; `text` is shown to its owner once and never stored."""

    text: str = field(repr=False)
    digest: str
    display: str


def parse(text: str) -> ApiKey | None:
    """Return the key in `text`, or None if its format or checksum is wrong; without I/O."""
    if not _SHAPE.fullmatch(text):
        return None
    if not hmac.compare_digest(text[_BODY_WIDTH:], _checksum(text[:_BODY_WIDTH])):
        return None
    account_id = _account_id(text[len(PREFIX) : len(PREFIX) + _ACCOUNT_WIDTH])
    return None if account_id is None else ApiKey(account_id, _digest(text))


# Caches the account's part only, which is not secret: a process mostly serves the same accounts.
@lru_cache(maxsize=1_024)
def _account_id(part: str) -> str | None:
    number = base62.decode(part)
    return str(uuid.UUID(int=number)) if number < 1 << 128 else None


def generate(account_id: str, random_bits: Callable[[int], int]) -> NewApiKey:
    """Return a new key for `account_id` (a UUID) with 256 bits from `random_bits`, such as `secrets.randbits`."""
    account = base62.encode(uuid.UUID(account_id).int, _ACCOUNT_WIDTH)
    body = PREFIX + account + base62.encode(random_bits(256), _SECRET_WIDTH)
    text = body + _checksum(body)
    return NewApiKey(text=text, digest=_digest(text), display=text[:_DISPLAY_WIDTH])


def _checksum(body: str) -> str:
    return base62.encode(zlib.crc32(body.encode("ascii")), _CHECKSUM_WIDTH)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
