"""API keys: their form, `kv_live_<account><secret><checksum>` with each part in base62, and what they may open.

The account stands in the key so that one Redis script can find all it needs on one shard; it is a hint for routing,
never proof of anything. The proof is the SHA-256 of the whole key, the only thing that is stored. The checksum lets
junk be refused before any I/O and lets secret scanners recognise a leaked key; it is not security.
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
"""What stands in a key's namespaces when it is for all of its account's."""


class Scope(StrEnum):
    """What a key may be allowed to do."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    LIST = "list"


class KeyStatus(StrEnum):
    """What the credentials table says of a key; UNKNOWN is a key it has never held."""

    ACTIVE = "active"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class ApiKey(msgspec.Struct, frozen=True):
    """A well-formed key: whose it claims to be, and the digest (SHA-256, hex) under which its record is kept."""

    account_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made; `text` is shown to its owner once and kept nowhere."""

    text: str = field(repr=False)
    digest: str
    display: str


def parse(text: str) -> ApiKey | None:
    """Return the key in `text`, or None when its shape or checksum is wrong; needs no I/O."""
    if not _SHAPE.fullmatch(text):
        return None
    if not hmac.compare_digest(text[_BODY_WIDTH:], _checksum(text[:_BODY_WIDTH])):
        return None
    account_id = _account_id(text[len(PREFIX) : len(PREFIX) + _ACCOUNT_WIDTH])
    return None if account_id is None else ApiKey(account_id, _digest(text))


# Of the account's part alone, which is no secret: a process mostly serves the same accounts again.
@lru_cache(maxsize=1_024)
def _account_id(part: str) -> str | None:
    number = base62.decode(part)
    return str(uuid.UUID(int=number)) if number < 1 << 128 else None


def generate(account_id: str, random_bits: Callable[[int], int]) -> NewApiKey:
    """Make a key for `account_id` (a UUID) with 256 bits from `random_bits`, such as `secrets.randbits`."""
    account = base62.encode(uuid.UUID(account_id).int, _ACCOUNT_WIDTH)
    body = PREFIX + account + base62.encode(random_bits(256), _SECRET_WIDTH)
    text = body + _checksum(body)
    return NewApiKey(text=text, digest=_digest(text), display=text[:_DISPLAY_WIDTH])


def _checksum(body: str) -> str:
    return base62.encode(zlib.crc32(body.encode("ascii")), _CHECKSUM_WIDTH)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()
