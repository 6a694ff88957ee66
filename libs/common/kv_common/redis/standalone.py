"""One Redis node: a primary, with or without replicas behind its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kv_common.redis.client import RedisClient, RedisNode, RedisUnavailable, connection_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.credentials import CredentialProvider

    from kv_common.redis.client import Command, Reply, Report
    from kv_common.redis.settings import RedisSettings


class StandaloneRedis(RedisClient):
    """The client of one node; a reply that only a cluster gives is reported as a wrong setting."""

    def __init__(self, settings: RedisSettings, report: Report, credentials: CredentialProvider | None = None) -> None:
        from redis.connection import ConnectionPool

        self._node = RedisNode(ConnectionPool.from_url(settings.url, **connection_settings(settings, credentials)))
        self._report = report

    def execute(self, key: str, *commands: Command) -> list[Reply]:  # noqa: ARG002 - one node holds every key
        """See RedisClient."""
        from redis.exceptions import AskError, ClusterDownError, ReadOnlyError, RedisError

        try:
            return self._node.exchange(*commands)
        except RedisError as error:
            # Within a script, Redis 6 puts the reason behind words of its own.
            if isinstance(error, ReadOnlyError) or "READONLY" in str(error):
                # A failover left us connected to a replica; a new connection resolves the name again.
                self._node.disconnect()
            if isinstance(error, (AskError, ClusterDownError)):
                self._report(f"Redis is a cluster: {type(error).__name__}", "REDIS_MODE=cluster (parameter RedisMode)")
            raise RedisUnavailable(type(error).__name__) from error

    def execute_all(self, commands: Sequence[tuple[str, Command]]) -> list[Reply]:
        """See RedisClient."""
        return self.execute("", *(command for _, command in commands))

    def primaries(self) -> list[RedisNode]:
        """See RedisClient."""
        return [self._node]
