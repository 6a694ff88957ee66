"""auth's settings."""

from __future__ import annotations

import pytest

from auth_service.settings import Settings
from kv_common.settings import InvalidSettings

ENV = {
    "TABLE": "auth",
    "CREDENTIALS_TABLE": "credentials",
    "USER_POOL_ID": "eu-central-1_Example",
    "CLIENT_ID": "client",
    "TOKEN_ISSUER": "https://issuer.example",
    "JWKS_URL": "https://issuer.example/jwks.json",
    "AWS_REGION": "eu-central-1",
    "HOSTED_UI_DOMAIN": "login.example",
}


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_env(ENV)

    assert (settings.table, settings.credentials_table) == ("auth", "credentials")
    assert (settings.token_issuer, settings.jwks_url) == ("https://issuer.example", "https://issuer.example/jwks.json")
    assert settings.hosted_ui_domain == "login.example"


@pytest.mark.parametrize("name", ENV)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(InvalidSettings, match=f" {name} "):
        Settings.from_env({**ENV, name: ""})


def test_where_there_is_no_hosted_sign_in_page_the_stack_says_none() -> None:
    assert Settings.from_env({**ENV, "HOSTED_UI_DOMAIN": "none"}).hosted_ui_domain is None
