"""Namespaces and values: what they are and the rules they obey, without any store."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kv_common import base62, strict_json
from kv_common.errors import PayloadTooLarge, ValidationError

MAX_VALUE_BYTES = 390_000
"""DynamoDB's 400 KB are the whole item: names, key and bookkeeping need the rest."""

MAX_BODY_BYTES = MAX_VALUE_BYTES + 10_000
MAX_NAMESPACES = 100
DEFAULT_PAGE = 100
MAX_PAGE = 1_000

_TOKEN_WIDTH = 12  # 71 bits: short, because names and keys count towards DynamoDB's write units
_TOKEN_RANGE = 62**_TOKEN_WIDTH

_LIMIT = re.compile(r"[0-9]{1,4}", re.ASCII)

RandomBelow = Callable[[int], int]


class NamespaceStatus(StrEnum):
    """Whether a namespace serves, or waits for the rest of its deletion."""

    ACTIVE = "active"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace of one account; `id` is what its values are kept under, so a deleted name can be used again."""

    name: str
    id: str
    created_at_ms: int
    status: NamespaceStatus = NamespaceStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a namespace holds: keys, and bytes of keys and values, as far as it is counted."""

    keys: int
    bytes: int


EMPTY = Holdings(0, 0)


@dataclass(frozen=True, slots=True)
class Space:
    """Where a caller's values are: an account that was proved, and the id of a namespace that is its own.

    `room` is by how many bytes what the account stores may still grow.
    """

    account_id: str
    namespace_id: str
    room: int = sys.maxsize


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key without its value: size of the value in bytes, times in milliseconds since 1970."""

    key: str
    size: int
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True, slots=True)
class NewValue:
    """What a PUT stores: a key and the JSON text of its value, exactly as it was sent."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What a PUT did: the key as it is now, its ETag, and whether there was none before."""

    info: KeyInfo
    etag: str
    created: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A stored value: its JSON text exactly as it was sent ("" where only the rest was asked for), and its ETag."""

    text: str
    etag: str
    info: KeyInfo


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Some keys in order, as the store reads them; `last` is the key to go on after, None at the end."""

    keys: tuple[KeyInfo, ...]
    last: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys in order, and the cursor of the next page, None at the end."""

    keys: tuple[KeyInfo, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a list asks for."""

    prefix: str
    limit: int
    cursor: str | None


class StorageFull(PayloadTooLarge):
    """The account stores as much as its plan allows, and this would make it more."""

    def __init__(self) -> None:
        super().__init__(
            "The plan's storage is used up. Delete values, store smaller ones, or upgrade the plan.",
            details={"reason": "storage_quota"},
        )


def new_token(random_below: RandomBelow) -> str:
    """Return a random token of 12 characters, for a namespace's id or an ETag: neither ever comes again."""
    return base62.encode(random_below(_TOKEN_RANGE), _TOKEN_WIDTH)


def value_text(body: bytes) -> str:
    """Return the JSON text of `value` in a PUT's body `{"value": …}`, byte for byte."""
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    members = strict_json.split_object(body, allowed=("value",))
    if "value" not in members:
        raise ValidationError("The request body needs the member 'value'.", details={"field": "value"})
    text = members["value"]
    if len(text) > MAX_VALUE_BYTES:
        raise _too_large()
    return text.decode()


def page_limit(text: str | None) -> int:
    """Return the page size that a `limit` parameter asks for."""
    if text is None:
        return DEFAULT_PAGE
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_PAGE:
        raise ValidationError(f"The limit is a whole number from 1 to {MAX_PAGE}.", details={"field": "limit"})
    return int(text)


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"A value may have {MAX_VALUE_BYTES} bytes at most.",
        details={"reason": "value_size", "max_bytes": MAX_VALUE_BYTES},
    )
