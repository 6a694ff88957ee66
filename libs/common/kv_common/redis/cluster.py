"""A Redis cluster: every key's slot belongs to a primary, and redis-py knows which.

A command goes straight to the primary of its slot. MOVED corrects redis-py's map of slots and the command follows it;
ASK sends it to the other node once. When a node fails or the map is wrong, the map is read again, at most once a
second, before the next command.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from kv_common.redis.client import RedisClient, RedisNode, RedisUnavailable, connection_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.cluster import ClusterNode, RedisCluster
    from redis.credentials import CredentialProvider
    from redis.exceptions import AskError

    from kv_common.redis.client import Command, Reply, Report
    from kv_common.redis.settings import RedisSettings

MAX_REDIRECTIONS = 3
REFRESH_S = 1.0
_ANNOUNCE = "cluster nodes that announce addresses which the functions reach (cluster-announce-ip), and security groups"


class ClusteredRedis(RedisClient):
    """The client of a cluster; `monotonic` is a clock in seconds."""

    def __init__(
        self,
        settings: RedisSettings,
        report: Report,
        credentials: CredentialProvider | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._report = report
        self._credentials = credentials
        self._monotonic = monotonic
        self._cluster: RedisCluster | None = None
        self._suspect: str | None = None
        self._refreshed_at = float("-inf")
        self._refreshing = Lock()

    def execute(self, key: str, *commands: Command) -> list[Reply]:
        """See RedisClient."""
        from redis.exceptions import AskError, MovedError, RedisClusterException, RedisError, TryAgainError

        cluster = self._connected()
        node: ClusterNode | None = None
        redirections, asking = 0, False
        try:
            node = cluster.get_node_from_key(key)
            while True:
                try:
                    return _exchange(node, commands, asking=asking)
                except MovedError as error:
                    if redirections == MAX_REDIRECTIONS:
                        raise
                    cluster.nodes_manager.move_slot(error)
                    node, asking = cluster.get_node_from_key(key), False
                except AskError as error:
                    if redirections == MAX_REDIRECTIONS:
                        raise
                    node, asking = _asked(cluster, error, commands), True
                redirections += 1
        except TryAgainError as error:
            # The slot is moving, and each side has some of the keys.
            raise RedisUnavailable("the slot is moving", is_outage=False) from error
        except (RedisError, RedisClusterException) as error:
            raise self._failed(node, error, redirected=redirections > 0) from error

    def execute_all(self, commands: Sequence[tuple[str, Command]]) -> list[Reply]:
        """See RedisClient."""
        from redis.exceptions import AskError, RedisClusterException, RedisError, TryAgainError

        cluster = self._connected()
        by_node: dict[str, list[int]] = {}
        nodes: dict[str, ClusterNode] = {}
        try:
            for index, (key, _) in enumerate(commands):
                node = cluster.get_node_from_key(key)
                nodes[node.name] = node
                by_node.setdefault(node.name, []).append(index)
        except (RedisError, RedisClusterException) as error:
            raise self._failed(None, error) from error
        replies: list[Reply] = [None] * len(commands)
        for name, indexes in by_node.items():
            try:
                found = _exchange(nodes[name], [commands[index][1] for index in indexes], asking=False)
            except (AskError, TryAgainError):
                # Some slot is elsewhere now: the commands are idempotent, and each follows its own slot.
                found = [self.execute(commands[index][0], commands[index][1])[0] for index in indexes]
            except RedisError as error:
                raise self._failed(nodes[name], error) from error
            for index, reply in zip(indexes, found, strict=True):
                replies[index] = reply
        return replies

    def primaries(self) -> list[RedisNode]:
        """See RedisClient; the map of slots is read again, for a walk over the nodes never meets MOVED."""
        if self._suspect is None:
            self._suspect = ""
        return [_node(node) for node in self._connected().get_primaries()]

    def _connected(self) -> RedisCluster:
        """Return redis-py's cluster with a map of slots that no failure has put in doubt."""
        if self._cluster is not None and self._suspect is None:
            return self._cluster
        with self._refreshing:
            return self._refreshed()

    def _refreshed(self) -> RedisCluster:
        from redis.exceptions import RedisClusterException, RedisError

        if self._cluster is not None and self._suspect is None:
            return self._cluster  # another thread was faster
        if self._monotonic() - self._refreshed_at < REFRESH_S:
            if self._cluster is None:
                raise RedisUnavailable("the cluster is not reached")
            return self._cluster
        self._refreshed_at = self._monotonic()
        try:
            if self._cluster is None:
                self._cluster = self._connect()
            else:
                self._cluster.nodes_manager.initialize(last_failed_node_name=self._suspect)
        except (RedisError, RedisClusterException) as error:
            if "Cluster mode is not enabled" in str(error):
                self._report("Redis is no cluster", "REDIS_MODE=standalone (parameter RedisMode)")
            if self._cluster is None:
                raise RedisUnavailable("the cluster is not reached") from error
        else:
            self._suspect = None
        return self._cluster

    def _connect(self) -> RedisCluster:
        from redis.cluster import RedisCluster

        return RedisCluster.from_url(
            self._settings.url,
            # Other slots are served while some are not covered.
            require_full_coverage=False,
            **connection_settings(self._settings, self._credentials),
        )

    def _failed(self, node: ClusterNode | None, error: Exception, *, redirected: bool = False) -> RedisUnavailable:
        from redis.exceptions import AskError, ClusterDownError, ResponseError

        # A node that refuses a command is where it should be; any other failure puts the map of slots in doubt.
        if not isinstance(error, ResponseError) or isinstance(error, (AskError, ClusterDownError)):
            self._suspect = node.name if node else ""
            if redirected:
                # A failover can cause this for a few seconds, so the alarm waits for minutes.
                self._report(f"a redirection to {self._suspect} ended in {type(error).__name__}", _ANNOUNCE)
        return RedisUnavailable(type(error).__name__)


def _exchange(node: ClusterNode, commands: Sequence[Command], *, asking: bool) -> list[Reply]:
    if asking:
        return _node(node).exchange(("ASKING",), *commands)[1:]
    return _node(node).exchange(*commands)


def _asked(cluster: RedisCluster, error: AskError, commands: Sequence[Command]) -> ClusterNode:
    """Return the node that ASK names; ASKING is valid for one command, so a transaction has to wait."""
    node: ClusterNode | None = cluster.get_node(host=error.host, port=error.port)
    if node is None or len(commands) > 1:
        raise RedisUnavailable("the slot is moving", is_outage=False) from error
    return node


def _node(node: ClusterNode) -> RedisNode:
    return RedisNode(node.redis_connection.connection_pool)
