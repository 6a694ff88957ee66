"""usage's settings."""

from __future__ import annotations

import pytest

from kv_common.settings import MissingSetting
from usage_service.settings import ConsumerSettings, Settings

ROUTES = {
    "TABLE": "usage",
    "TOKEN_ISSUER": "https://issuer.example",
    "TOKEN_CLIENT_IDS": "one,two",
    "JWKS_URL": "https://issuer.example/jwks.json",
}
EVENTS = {"TABLE": "usage", "STAGE": "dev"}


def test_settings_come_from_the_environment() -> None:
    assert Settings.from_env(ROUTES) == Settings(
        "usage", "https://issuer.example", ("one", "two"), "https://issuer.example/jwks.json"
    )
    assert ConsumerSettings.from_env(EVENTS) == ConsumerSettings("usage", "dev")


@pytest.mark.parametrize("name", ROUTES)
def test_a_missing_setting_of_the_routes_is_named(name: str) -> None:
    with pytest.raises(MissingSetting, match=f" {name} "):
        Settings.from_env({key: value for key, value in ROUTES.items() if key != name})


@pytest.mark.parametrize("name", EVENTS)
def test_a_missing_setting_of_the_consumer_is_named(name: str) -> None:
    with pytest.raises(MissingSetting, match=f" {name} "):
        ConsumerSettings.from_env({key: value for key, value in EVENTS.items() if key != name})
