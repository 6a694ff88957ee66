"""Pages of keys."""

from __future__ import annotations

import msgspec

from kv_service.values.model import Version

DEFAULT_PAGE = 100
MAX_PAGE = 1_000


class PageRequest(msgspec.Struct, frozen=True):
    """What a list asks for; a consistent one reads the values' own items, at a cost that grows with them."""

    prefix: str
    limit: int
    cursor: str | None
    metadata: bool = False
    consistent: bool = False


class KeyRange(msgspec.Struct, frozen=True):
    """Some keys in order, as the store reads them; `last` is the key to go on after, None at the end."""

    keys: tuple[Version, ...]
    last: str | None


class Page(msgspec.Struct, frozen=True):
    """Some keys in order, and the cursor of the next page, None at the end."""

    keys: tuple[Version, ...]
    cursor: str | None
