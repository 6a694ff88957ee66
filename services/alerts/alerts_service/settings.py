"""alerts's settings, parsed once from the environment: each function has those of its own task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """What sending mail needs; `dashboard_url` is None where there is no dashboard to lead to."""

    table: str
    queue_url: str
    mail_from: str
    configuration_set: str
    api_url: str
    dashboard_url: str | None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> SenderSettings:
        """Return the settings in `env`; MissingSetting names the first that is absent."""
        return cls(
            table=required(env, "TABLE"),
            queue_url=required(env, "MAIL_QUEUE_URL"),
            mail_from=required(env, "MAIL_FROM"),
            configuration_set=required(env, "CONFIGURATION_SET"),
            api_url=required(env, "API_URL").rstrip("/"),
            dashboard_url=env.get("DASHBOARD_URL") or None,
        )
