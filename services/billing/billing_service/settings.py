"""billing's settings, parsed once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from billing_service.prices import Prices
from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """What every function needs: its table, its secrets, what is sold, and where Paddle's API is ("" for nowhere)."""

    stage: str
    table: str
    paddle_secret: str
    binding_secret: str
    prices: Prices
    paddle_api_url: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings in `env`; MissingSetting names the first that is absent."""
        return cls(
            stage=required(env, "STAGE"),
            table=required(env, "TABLE"),
            paddle_secret=required(env, "PADDLE_SECRET"),
            binding_secret=required(env, "BINDING_SECRET"),
            prices=Prices.parse(env.get("PADDLE_PRICES", "")),
            paddle_api_url=env.get("PADDLE_API_URL", ""),
        )


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the routes need beside: the queue of webhooks, and what a browser has to know of Paddle."""

    webhook_queue_url: str
    webhook_tolerance_s: float
    paddle_environment: str
    paddle_client_token: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ApiSettings:
        """Return the settings in `env`; MissingSetting names the first that is absent."""
        return cls(
            webhook_queue_url=required(env, "WEBHOOK_QUEUE_URL"),
            webhook_tolerance_s=float(required(env, "WEBHOOK_TOLERANCE_S")),
            paddle_environment=required(env, "PADDLE_ENVIRONMENT"),
            paddle_client_token=env.get("PADDLE_CLIENT_TOKEN", ""),
        )
