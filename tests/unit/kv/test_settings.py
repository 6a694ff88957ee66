"""kv's settings."""

from __future__ import annotations

import pytest

from kv_common.redis import RedisSettings
from kv_common.settings import InvalidSettings
from kv_service.settings import Settings

ENV = {
    "TABLE": "kv",
    "CREDENTIALS_TABLE": "credentials",
    "OBJECTS_BUCKET": "objects",
    "REDIS_URL": "rediss://redis:6379",
    "TOKEN_ISSUER": "https://issuer.example",
    "TOKEN_CLIENT_IDS": "one,two",
}


def test_settings_come_from_the_environment() -> None:
    assert Settings.from_env(ENV) == Settings(
        "kv", "credentials", "objects", RedisSettings("rediss://redis:6379"), "https://issuer.example", ("one", "two")
    )


@pytest.mark.parametrize("name", ENV)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f" {name} "):
        Settings.from_env({key: value for key, value in ENV.items() if key != name})
