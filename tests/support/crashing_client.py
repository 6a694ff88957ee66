"""A client whose process crashes between two calls."""

from __future__ import annotations

from typing import Any


class ProcessCrashed(Exception):
    """The process has crashed."""


class CrashingClient:
    """A client whose process crashes after `most` further calls: the last one is executed, but its response is lost.

    All clients of a process share its list of `calls`.
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
