"""billing's settings, parsed once from the environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, InstanceOf

from billing_service.prices import Prices
from kv_common.settings_model import SettingsModel


def _prices(value: object) -> object:
    return Prices.parse(value) if isinstance(value, str) else value


class Settings(SettingsModel):
    """The settings of every function: table, secrets, prices, and Paddle's API ("" where there is none)."""

    stage: str
    table: str
    paddle_secret: str
    binding_secret: str
    prices: Annotated[InstanceOf[Prices], BeforeValidator(_prices), Field(alias="PADDLE_PRICES")] = Prices({})
    paddle_api_url: str = ""


class ApiSettings(SettingsModel):
    """The further settings of the routes: the queue of webhooks, and a browser's settings for Paddle."""

    webhook_queue_url: str
    webhook_tolerance_s: float
    paddle_environment: str
    paddle_client_token: str = ""
