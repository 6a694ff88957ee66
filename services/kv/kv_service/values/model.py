"""A version of a key: its value, what is known about it, and when it ends."""

from __future__ import annotations

import re

import msgspec

from kv_common.errors import PayloadTooLarge

MAX_VALUE_BYTES = 5_000_000
"""What passes the gateway and a function, which takes and gives 6 MB of JSON."""

MAX_INLINE_BYTES = 390_000
"""DynamoDB's 400 KB are the whole item: names, key and bookkeeping need the rest. A larger text is an object's."""

MAX_METADATA_BYTES = 1_024
MAX_TTL_S = 3_153_600_000
"""A hundred years: what is kept longer is kept for good."""

LEAST_INTEGER = -(2**63)
GREATEST_INTEGER = 2**63 - 1
MAX_INTEGER_BYTES = 20

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


class Version(msgspec.Struct, frozen=True):
    """A version of a key: the JSON text of its value exactly as it was sent, and its attributes.

    `text` is None where only the rest was read; `size` is the text's, in bytes. The ETag never comes again for the
    key. `metadata` is a JSON text too. `object_id` names the object that holds a text too large for the table.
    """

    key: str
    text: str | None
    size: int
    etag: str
    created_at_ms: int
    updated_at_ms: int
    expires_at_s: int | None = None
    metadata: str | None = None
    object_id: str | None = None

    def is_live(self, now_ms: int) -> bool:
        """Return whether the version has not expired: from its second on it counts as absent."""
        return self.expires_at_s is None or now_ms < self.expires_at_s * 1000

    @property
    def is_large(self) -> bool:
        """Whether the text is too large for an item and is stored as an object."""
        return is_large(self.size, self.metadata)

    @property
    def stored_bytes(self) -> int:
        """What the plan's storage is used for: key, text and metadata."""
        return stored_bytes(self.key, self.size, self.metadata)


class WriteStamp(msgspec.Struct, frozen=True):
    """What a change is made with: the time, and the ETag of what comes out."""

    now_ms: int
    etag: str


class StorageFull(PayloadTooLarge):
    """The account stores as much as its plan allows, and this would make it more."""

    def __init__(self) -> None:
        super().__init__(
            "The plan's storage is used up. Delete values, store smaller ones, or upgrade the plan.",
            details={"reason": "storage_quota"},
        )


def stored_bytes(key: str, size: int, metadata: str | None) -> int:
    """Return what a key, a text of `size` bytes and metadata take of the plan's storage, in bytes."""
    return len(key.encode()) + size + len((metadata or "").encode())


def is_large(size: int, metadata: str | None) -> bool:
    """Return whether a text of `size` bytes has no room in an item beside metadata."""
    return stored_bytes("", size, metadata) > MAX_INLINE_BYTES


def unless_expired(version: Version | None, now_ms: int) -> Version | None:
    """Return the version unless it has expired."""
    return version if version is not None and version.is_live(now_ms) else None


def expiry(now_ms: int, ttl_s: int) -> int:
    """Return the expiry in epoch seconds, rounded up, after `ttl_s` seconds."""
    return -(-now_ms // 1000) + ttl_s


def integer_of(text: str) -> int | None:
    """Return the integer that a text is the one usual spelling of, if it has 64 bits at most; else None."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if LEAST_INTEGER <= number <= GREATEST_INTEGER else None


def value_too_large() -> PayloadTooLarge:
    """Say that a value is larger than any may be."""
    return PayloadTooLarge(
        f"A value may have {MAX_VALUE_BYTES} bytes at most.",
        details={"reason": "value_size", "max_bytes": MAX_VALUE_BYTES},
    )
