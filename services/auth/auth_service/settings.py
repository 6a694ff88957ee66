"""auth's settings, parsed once from the environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from kv_common.settings_model import SettingsModel


def _domain(value: object) -> object:
    # The identity stack exports "none" in place of a domain: CloudFormation has no empty exports.
    return None if value == "none" else value


class Settings(SettingsModel):
    """auth's tables and its user pool; `hosted_ui_domain` is None where there is no hosted sign-in page."""

    table: str
    credentials_table: str
    user_pool_id: str
    client_id: str
    token_issuer: str
    jwks_url: str
    region: Annotated[str, Field(alias="AWS_REGION")]
    hosted_ui_domain: Annotated[str | None, BeforeValidator(_domain)]
