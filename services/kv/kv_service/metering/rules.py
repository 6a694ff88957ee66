"""What an account's meter says, and what of it is to be told: pure rules over the hash that admission keeps.

admission.lua and meter.lua list the hash's fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kv_common.admission.metering import MeterAck
from kv_common.events import RequestServed, Served

if TYPE_CHECKING:
    from kv_common.admission.metering import MeterSnapshot

SETTLED_AFTER_S = 120
"""A minute that began so long ago does not change any more: no request lasts longer, nor does its refund."""

KEYS_TOLD_EVERY = 15
"""Minutes between two tellings of when a key was last used."""

KEY_FORGOTTEN_AFTER = 24 * 60


@dataclass
class Minute:
    """One minute's counts; requests by (namespace id, operation), bytes in by namespace id."""

    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    bytes_in: dict[str, int] = field(default_factory=dict)
    refunded: int = 0
    told: int = 0

    @property
    def changes(self) -> int:
        """How often the counts have changed: each refund took away a request, and is a change like each request."""
        return sum(self.requests.values()) + 2 * self.refunded

    def served(self) -> dict[str, Served]:
        """Return the counts as they are told."""
        namespaces: dict[str, dict[str, int]] = {}
        for (namespace_id, operation), count in self.requests.items():
            namespaces.setdefault(namespace_id, {})[operation] = count
        return {
            namespace_id: Served(requests=operations, bytes_in=self.bytes_in.get(namespace_id, 0))
            for namespace_id, operations in namespaces.items()
        }


@dataclass
class Meter:
    """An account's meter; keys by the minute of their last use, as it is and as it was last told."""

    epoch: str
    minutes: dict[int, Minute] = field(default_factory=dict)
    keys_used: dict[str, int] = field(default_factory=dict)
    keys_told: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What is to be told of one account, and what its meter may note once that is safe.

    `lag_s` is for how long the oldest of the minutes has been over.
    """

    account_id: str
    minutes: tuple[RequestServed, ...]
    keys: dict[str, int]
    used: dict[str, int]
    settled: MeterAck
    lag_s: int


def read(meter: dict[str, str]) -> Meter:
    """Return what the fields of a meter's hash mean."""
    parsed = Meter(meter.get("epoch", ""))
    for name, value in meter.items():
        match name.split("|"):
            case [minute, namespace_id, "in"]:
                _minute(parsed, minute).bytes_in[namespace_id] = int(value)
            case [minute, namespace_id, operation]:
                _minute(parsed, minute).requests[namespace_id, operation] = int(value)
            case ["used", key_id]:
                parsed.keys_used[key_id] = int(value)
            case ["told", key_id]:
                parsed.keys_told[key_id] = int(value)
            case [minute, "refunded"]:
                _minute(parsed, minute).refunded = int(value)
            case [minute, "told"]:
                _minute(parsed, minute).told = int(value)
            case _:
                continue
    return parsed


def build_report(
    reading: MeterSnapshot, *, now_s: int, flush_delay_s: int, key_use_report_minutes: int
) -> UsageReport | None:
    """Return what is to be told of an account now; None when there is nothing to do.

    A minute is told `flush_delay_s` after it began, and again when it has changed. It is forgotten once it is told and
    will not change any more.
    """
    meter = read(reading.meter)
    due = {
        number: minute
        for number, minute in sorted(meter.minutes.items())
        if minute.changes != minute.told and now_s >= number * 60 + flush_delay_s
    }
    over = frozenset(number for number in meter.minutes if now_s >= number * 60 + SETTLED_AFTER_S)
    now = now_s // 60
    keys = {
        key_id: used
        for key_id, used in meter.keys_used.items()
        if _is_due(used, meter.keys_told.get(key_id), now, key_use_report_minutes)
    }
    forgotten = frozenset(
        key_id
        for key_id, used in meter.keys_used.items()
        if meter.keys_told.get(key_id) == used and now - used > KEY_FORGOTTEN_AFTER
    )
    if not due and not over and not keys and not forgotten:
        return None
    minutes = {number: minute.changes for number, minute in meter.minutes.items() if number in over or number in due}
    return UsageReport(
        account_id=reading.account_id,
        minutes=tuple(
            RequestServed(minute=number, epoch=meter.epoch, changes=minute.changes, namespaces=minute.served())
            for number, minute in due.items()
        ),
        keys=keys,
        used={month: int(used) for month, used in reading.quota.items()} if due else {},
        settled=MeterAck(reading.account_id, meter.epoch, minutes, over, keys, forgotten),
        lag_s=max((now_s - (number + 1) * 60 for number in due), default=0),
    )


def _minute(meter: Meter, number: str) -> Minute:
    return meter.minutes.setdefault(int(number), Minute())


def _is_due(used: int, told: int | None, now: int, every: int) -> bool:
    """Tell at the first use, then now and then while it goes on, and once more when it has stopped."""
    return told is None or (used > told and (used - told >= every or now - used >= every))
