"""Makes the client that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.redis.misconfiguration import Misconfiguration
from kv_common.redis.settings import RedisMode

if TYPE_CHECKING:
    from redis.credentials import CredentialProvider

    from kv_common.redis.client import RedisClient, Report
    from kv_common.redis.settings import RedisSettings


def connect(
    settings: RedisSettings, *, report: Report | None = None, credentials: CredentialProvider | None = None
) -> RedisClient:
    """Return a client; it connects with its first command.

    `credentials` gives every new connection its user and password: the hook for tokens that expire, such as IAM's.
    """
    report = report or Misconfiguration()
    if settings.mode is RedisMode.CLUSTER:
        from kv_common.redis.cluster import ClusteredRedis

        return ClusteredRedis(settings, report, credentials)
    from kv_common.redis.standalone import StandaloneRedis

    return StandaloneRedis(settings, report, credentials)
