"""Pages of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kv_service.values.versions import Version

DEFAULT_PAGE = 100
MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a list asks for; a consistent one reads the values' own items, at a cost that grows with them."""

    prefix: str
    limit: int
    cursor: str | None
    metadata: bool = False
    consistent: bool = False


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Some keys in order, as the store reads them; `last` is the key to go on after, None at the end."""

    keys: tuple[Version, ...]
    last: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys in order, and the cursor of the next page, None at the end."""

    keys: tuple[Version, ...]
    cursor: str | None
