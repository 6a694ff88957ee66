"""Matches paths to routes for the `$default` route and Function URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARAMETER = re.compile(r"\{(\w+)\}")


class RouteTable:
    """The route patterns of a service, such as `/v1/{namespace}/{key}`; fixed segments take precedence."""

    def __init__(self, patterns: Iterable[str]) -> None:
        ordered = sorted(patterns, key=lambda pattern: (pattern.count("{"), pattern))
        self._routes = [(pattern, _compile(pattern)) for pattern in ordered]

    def match(self, path: str) -> tuple[str, dict[str, str]] | None:
        """Return the pattern that `path` matches and its parameters, or None."""
        for pattern, expression in self._routes:
            if found := expression.fullmatch(path):
                return pattern, found.groupdict()
        return None


def _compile(pattern: str) -> re.Pattern[str]:
    parts = _PARAMETER.split(pattern)
    # split() alternates literal text and parameter names.
    expression = "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(expression)
