"""Clients whose process dies."""

from __future__ import annotations

from typing import Any


class ProcessCrashed(Exception):
    """The process is gone."""


class CrashingClient:
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
            response = reached(*arguments, **keywords)
            self._calls.append(name)
            if len(self._calls) > self._most:
                raise ProcessCrashed
            return response

        return call
