"""Snapshots of an account's meter, and acknowledgements of what has been reported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeterSnapshot:
    """An account's meter and its monthly counters: their Redis hashes (admission.lua lists the fields)."""

    account_id: str
    meter: dict[str, str]
    quota: dict[str, str]


@dataclass(frozen=True, slots=True)
class MeterAck:
    """What has been reported of a meter: minutes with their reported changes, keys with the minute of their last use.

    Minutes in `forget` are final; keys in `forget_keys` have not been used for a day.
    """

    account_id: str
    epoch: str
    minutes: dict[int, int]
    forget: frozenset[int]
    keys: dict[str, int]
    forget_keys: frozenset[str]
