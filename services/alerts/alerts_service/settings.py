"""alerts' settings, parsed once from the environment: each function has those of its own task."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from kv_common.settings_model import SettingsModel


class SenderSettings(SettingsModel):
    """The settings for sending mail; `dashboard_url` is None where there is no dashboard to link to."""

    table: str
    queue_url: Annotated[str, Field(alias="MAIL_QUEUE_URL")]
    mail_from: str
    configuration_set: str
    api_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]
    dashboard_url: str | None = None
