"""usage's settings, parsed once from the environment."""

from __future__ import annotations

from kv_common.settings_model import SettingsModel


class ConsumerSettings(SettingsModel):
    """The consumer's table, and the stage of its metrics."""

    table: str
    stage: str
