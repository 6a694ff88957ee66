"""auth's settings, parsed once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping


# What the identity stack exports in place of a domain: CloudFormation has no empty exports.
_NO_HOSTED_UI = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where auth's tables and its user pool are; `hosted_ui_domain` is None where there is no hosted sign-in page."""

    table: str
    credentials_table: str
    user_pool_id: str
    client_id: str
    token_issuer: str
    jwks_url: str
    region: str
    hosted_ui_domain: str | None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings in `env`; MissingSetting names the first that is absent."""
        domain = required(env, "HOSTED_UI_DOMAIN")
        return cls(
            table=required(env, "TABLE"),
            credentials_table=required(env, "CREDENTIALS_TABLE"),
            user_pool_id=required(env, "USER_POOL_ID"),
            client_id=required(env, "CLIENT_ID"),
            token_issuer=required(env, "TOKEN_ISSUER"),
            jwks_url=required(env, "JWKS_URL"),
            region=required(env, "AWS_REGION"),
            hosted_ui_domain=None if domain == _NO_HOSTED_UI else domain,
        )
