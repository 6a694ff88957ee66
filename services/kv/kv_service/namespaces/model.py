"""Namespaces: what they are and what they hold, without any store."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum

import msgspec

from kv_common import base62

MAX_NAMESPACES = 100

_TOKEN_WIDTH = 12  # 71 bits: short, because names and keys count towards DynamoDB's write units
_TOKEN_RANGE = 62**_TOKEN_WIDTH

RandomBelow = Callable[[int], int]


class NamespaceStatus(StrEnum):
    """Whether a namespace serves, or waits for the rest of its deletion."""

    ACTIVE = "active"
    DELETING = "deleting"


class Namespace(msgspec.Struct, frozen=True):
    """A namespace of one account; `id` is what its values are kept under, so a deleted name can be used again."""

    name: str
    id: str
    created_at_ms: int
    status: NamespaceStatus = NamespaceStatus.ACTIVE


class NamespaceStats(msgspec.Struct, frozen=True):
    """What a namespace holds: keys, and bytes of keys and values, as far as it is counted."""

    keys: int
    bytes: int


EMPTY = NamespaceStats(0, 0)


class NamespaceRef(msgspec.Struct, frozen=True):
    """Where a caller's values are: an account that was proved, and the id of a namespace that is its own.

    `room` is by how many bytes what the account stores may still grow.
    """

    account_id: str
    namespace_id: str
    room: int = sys.maxsize


def new_token(random_below: RandomBelow) -> str:
    """Return a random token of 12 characters, for a namespace's id or an ETag: neither ever comes again."""
    return base62.encode(random_below(_TOKEN_RANGE), _TOKEN_WIDTH)
