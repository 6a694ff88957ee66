"""kv's settings, parsed once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_common.redis.settings import RedisSettings
from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """Where kv's tables, bucket and Redis are, and whose access tokens it takes."""

    table: str
    credentials_table: str
    objects_bucket: str
    redis: RedisSettings
    token_issuer: str
    token_client_ids: tuple[str, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Return the settings in `env`; MissingSetting names the first that is absent."""
        return cls(
            table=required(env, "TABLE"),
            credentials_table=required(env, "CREDENTIALS_TABLE"),
            objects_bucket=required(env, "OBJECTS_BUCKET"),
            redis=RedisSettings.from_env(env),
            token_issuer=required(env, "TOKEN_ISSUER"),
            token_client_ids=tuple(required(env, "TOKEN_CLIENT_IDS").split(",")),
        )
