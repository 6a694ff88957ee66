"""kv's settings, parsed once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_common.redis.settings import RedisSettings
from kv_common.settings import require

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
        """Return the settings in `env`; InvalidSettings lists the variables that are missing."""
        require(env, "TABLE", "CREDENTIALS_TABLE", "OBJECTS_BUCKET", "REDIS_URL", "TOKEN_ISSUER", "TOKEN_CLIENT_IDS")
        return cls(
            table=env["TABLE"],
            credentials_table=env["CREDENTIALS_TABLE"],
            objects_bucket=env["OBJECTS_BUCKET"],
            redis=RedisSettings.from_env(env),
            token_issuer=env["TOKEN_ISSUER"],
            token_client_ids=tuple(env["TOKEN_CLIENT_IDS"].split(",")),
        )
