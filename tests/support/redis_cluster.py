"""A real Redis cluster of three primaries with a replica each, on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.crc import key_slot

from infra.local.ports import HOST, free_port
from infra.local.redis_server import RedisServer
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIMARIES = 3
SLOTS = 16_384
NODE_TIMEOUT_MS = 1_000


@dataclass
class Node:
    """One server of the cluster and a client of it alone."""

    server: RedisServer
    client: Redis

    @property
    def id(self) -> str:
        """The node's name in the cluster."""
        return str(self.client.execute_command("CLUSTER", "MYID"))

    def role(self) -> str:
        """Return master or slave."""
        return str(self.client.info("replication")["role"])


class RedisCluster:
    """The nodes: the first three began as primaries, the others as their replicas in the same order."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        """The address of the first node."""
        return f"redis://{HOST}:{self.nodes[0].server.port}"

    def owner(self, key: str) -> Node:
        """Return the primary that serves the slot of `key`."""
        slot = key_slot(key.encode())
        for first, last, (_, port, *_), *_ in self.nodes[-1].client.execute_command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.server.port == port)
        raise LookupError(slot)

    def form(self) -> None:
        """Give every primary its third of the slots and every replica its primary, and wait until all agree."""
        first = self.nodes[0]
        for node in self.nodes[1:]:
            node.client.execute_command("CLUSTER", "MEET", HOST, first.server.port)
        for index, node in enumerate(self.nodes[:PRIMARIES]):
            slots = range(index * SLOTS // PRIMARIES, (index + 1) * SLOTS // PRIMARIES)
            node.client.execute_command("CLUSTER", "ADDSLOTS", *slots)
        self._await_everywhere("cluster_known_nodes", str(len(self.nodes)))
        for primary, replica in zip(self.nodes[:PRIMARIES], self.nodes[PRIMARIES:], strict=True):
            replica.client.execute_command("CLUSTER", "REPLICATE", primary.id)
        self._await_everywhere("cluster_state", "ok")
        await_value(self._replicas_follow, within=20)

    def _replicas_follow(self) -> bool:
        links = [replica.client.info("replication")["master_link_status"] for replica in self.nodes[PRIMARIES:]]
        return set(links) == {"up"}

    def _await_everywhere(self, field: str, value: str) -> None:
        def agreed() -> bool:
            infos: list[dict[str, Any]] = [node.client.cluster("info") for node in self.nodes]
            return all(info[field] == value for info in infos)

        await_value(agreed, within=20)


@contextmanager
def redis_cluster(folder: Path, binary: Path) -> Iterator[RedisCluster]:
    """Start a cluster that is ready to use, and stop it in the end."""
    options = {
        "cluster-enabled": "yes",
        "cluster-config-file": "nodes.conf",
        "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        # A replica whose link has just come up may be promoted at once.
        "cluster-replica-validity-factor": "0",
        "repl-diskless-sync": "yes",
        "repl-diskless-sync-delay": "0",
    }
    nodes = []
    try:
        for index in range(2 * PRIMARIES):
            # The cluster bus listens 10,000 above, and a port is a number below 65,536.
            port = free_port(below=55_000)
            server = RedisServer(folder / str(index), port, binary, persist=False, options=options)
            server.start()
            nodes.append(Node(server, Redis(host=HOST, port=port, decode_responses=True)))
        cluster = RedisCluster(nodes)
        cluster.form()
        yield cluster
    finally:
        for node in nodes:
            node.client.close()
            node.server.resume()
            node.server.stop()
