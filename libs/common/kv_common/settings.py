"""Settings read once from a mapping such as `os.environ`, never at import.

auth, billing, usage and alerts read theirs into `SettingsModel`s (kv_common.settings_model), because their functions
import pydantic for events anyway. kv uses frozen dataclasses and the functions below: its cold start pays for every
import, and pydantic's is 60 ms of CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class InvalidSettings(RuntimeError):
    """Variables that the service cannot run without are absent, empty or malformed; no value is quoted."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"invalid environment variables: {'; '.join(problems)}")


def required(env: Mapping[str, str], name: str) -> str:
    """Return the variable `name`; InvalidSettings when it is absent or empty."""
    require(env, name)
    return env[name]


def require(env: Mapping[str, str], *names: str) -> None:
    """Raise InvalidSettings, which lists them, when some variables are absent or empty."""
    missing = [f"{name} is not set" for name in names if not env.get(name)]
    if missing:
        raise InvalidSettings(missing)
