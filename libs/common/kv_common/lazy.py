"""Objects that are created on first use."""

from __future__ import annotations

from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Created = TypeVar("Created")


def lazy(create: Callable[[], Created]) -> Created:
    """Return a proxy of the object that `create` returns; `create` is called when an attribute is first read."""
    return cast("Created", _Lazy(create))


def lazy_module(name: str) -> Any:
    """Return a proxy of the module `name`, which is imported when an attribute is first read."""
    return lazy(partial(import_module, name))


class _Lazy:
    def __init__(self, create: Callable[[], object]) -> None:
        self._create = create

    @cached_property
    def _object(self) -> object:
        return self._create()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._object, name)
