"""Redis through redis-py: one node or a cluster, chosen by settings, used at the level of its connections.

`connect` makes the client. Everything that it raises is a RedisUnavailable, and no command that may have been executed
is sent again.
"""

from kv_common.redis.client import Command, RedisClient, RedisUnavailable, Reply, Script
from kv_common.redis.factory import connect
from kv_common.redis.settings import RedisMode, RedisSettings

__all__ = [
    "Command",
    "RedisClient",
    "RedisMode",
    "RedisSettings",
    "RedisUnavailable",
    "Reply",
    "Script",
    "connect",
]
