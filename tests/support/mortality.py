"""Clients whose process dies."""

from __future__ import annotations

from typing import Any


class Died(Exception):
    """The process is gone."""


class Mortal:
    """A client whose process dies after so many calls: the last one is done, and nobody learns of it.

    Several clients of one process share the list of its calls.
    """

    def __init__(self, client: Any, calls: list[str], most: int) -> None:
        self._client = client
        self._calls = calls
        self._most = most

    def __getattr__(self, name: str) -> Any:
        reached = getattr(self._client, name)
        if not callable(reached):
            return reached

        def call(*arguments: Any, **keywords: Any) -> Any:
            answer = reached(*arguments, **keywords)
            self._calls.append(name)
            if len(self._calls) > self._most:
                raise Died
            return answer

        return call
