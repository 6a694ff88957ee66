"""An account's meter as it is read, and what is noted of it once it has been told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeterSnapshot:
    """An account's meter and its monthly counters, as their hashes stand in Redis (admission.lua lists the fields)."""

    account_id: str
    meter: dict[str, str]
    quota: dict[str, str]


@dataclass(frozen=True, slots=True)
class MeterAck:
    """What has been told of a meter: minutes with the changes that were told, keys with the minute of their last use.

    Minutes in `forget` will not change any more; keys in `forget_keys` have not been used for long.
    """

    account_id: str
    epoch: str
    minutes: dict[int, int]
    forget: frozenset[int]
    keys: dict[str, int]
    forget_keys: frozenset[str]
