"""usage's settings, parsed once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """What usage's consumer needs: the table, and the stage that its metrics are of."""

    table: str
    stage: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ConsumerSettings:
        """Return the settings in `env`; MissingSetting names the first that is absent."""
        return cls(table=required(env, "TABLE"), stage=required(env, "STAGE"))
