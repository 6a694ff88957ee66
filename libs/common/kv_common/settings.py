"""Settings read once from a mapping such as `os.environ`, never at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class MissingSetting(RuntimeError):
    """A variable that the service cannot run without is absent or empty."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the environment variable {name} is not set")


def required(env: Mapping[str, str], name: str) -> str:
    """Return the variable `name`; MissingSetting when it is absent or empty."""
    value = env.get(name, "")
    if not value:
        raise MissingSetting(name)
    return value
