"""What is expensive to make and seldom needed: made when it is first asked for anything."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")


def later(make: Callable[[], Made]) -> Made:
    """Return what stands for an object whose attributes are those of the one that `make` will return."""
    return cast("Made", _Later(make))


class _Later:
    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> object:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)
