"""usage's settings."""

from __future__ import annotations

import pytest

from kv_common.settings import InvalidSettings
from usage_service.settings import ConsumerSettings

EVENTS = {"TABLE": "usage", "STAGE": "dev"}


def test_settings_come_from_the_environment() -> None:
    assert ConsumerSettings.from_env(EVENTS) == ConsumerSettings(table="usage", stage="dev")


@pytest.mark.parametrize("name", EVENTS)
def test_a_missing_setting_of_the_consumer_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f" {name} "):
        ConsumerSettings.from_env({key: value for key, value in EVENTS.items() if key != name})
