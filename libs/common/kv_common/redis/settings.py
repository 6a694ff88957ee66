"""How to reach Redis, read from the environment.

REDIS_URL      redis[s]://[[user]:password@]host[:port][/database]; rediss is TLS, a database needs one node
REDIS_MODE     standalone (default) or cluster; ElastiCache Serverless is a cluster of one virtual node
REDIS_CA_FILE  a PEM file of the CAs to trust in place of the system's
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kv_common.settings import required

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT_S = 0.1
TIMEOUT_S = 0.05


class RedisMode(StrEnum):
    """What answers at the address: one primary, or a cluster whose nodes share the keys."""

    STANDALONE = "standalone"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """An address, what kind of Redis it is, and for how long to wait; ValueError when the address is malformed.

    A message about a malformed address never quotes it: it may hold a password.
    """

    url: str
    mode: RedisMode = RedisMode.STANDALONE
    ca_file: str | None = None
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if not _is_address(self.url):
            raise ValueError("A Redis address has the form redis[s]://[[user]:password@]host[:port][/database].")

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, timeout_s: float = TIMEOUT_S) -> RedisSettings:
        """Return the settings in `env`; InvalidSettings without REDIS_URL, ValueError for a malformed value."""
        mode = env.get("REDIS_MODE") or RedisMode.STANDALONE
        if mode not in list(RedisMode):
            raise ValueError(f"REDIS_MODE is standalone or cluster, not {mode!r}.")
        return cls(required(env, "REDIS_URL"), RedisMode(mode), env.get("REDIS_CA_FILE") or None, timeout_s=timeout_s)


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    database = parts.path.removeprefix("/") or "0"
    try:
        port = parts.port
    except ValueError:
        return False
    known = parts.scheme in {"redis", "rediss"} and not parts.query and not parts.fragment and database.isdecimal()
    return known and bool(parts.hostname) and port != 0
