"""Which part of an account's meter is due to be reported: pure rules over the hash that admission keeps.

admission.lua and meter.lua list the hash's fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kv_common.admission.metering import MeterAck
from kv_common.events import RequestServed, Served

if TYPE_CHECKING:
    from kv_common.admission.metering import MeterSnapshot

FINAL_AFTER_S = 120
"""A minute is final this long after it began: no request lasts longer, nor does its refund."""

KEY_USE_REPORT_MINUTES = 15
"""Minutes between two reports of a key's last use."""

KEY_FORGOTTEN_AFTER = 24 * 60


@dataclass
class Minute:
    """One minute's counts; requests by (namespace id, operation), bytes in by namespace id."""

    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    bytes_in: dict[str, int] = field(default_factory=dict)
    refunded: int = 0
    reported: int = 0

    @property
    def changes(self) -> int:
        """How often the counts have changed: every request and every refund is a change."""
        return sum(self.requests.values()) + 2 * self.refunded

    def served(self) -> dict[str, Served]:
        """Return the counts as the event has them."""
        namespaces: dict[str, dict[str, int]] = {}
        for (namespace_id, operation), count in self.requests.items():
            namespaces.setdefault(namespace_id, {})[operation] = count
        return {
            namespace_id: Served(requests=operations, bytes_in=self.bytes_in.get(namespace_id, 0))
            for namespace_id, operations in namespaces.items()
        }


@dataclass
class Meter:
    """An account's meter; keys by the minute of their last use, current and last reported."""

    epoch: str
    minutes: dict[int, Minute] = field(default_factory=dict)
    keys_used: dict[str, int] = field(default_factory=dict)
    keys_reported: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What is due to be reported of one account, and the acknowledgement to store after it has been published.

    `lag_s` is the time since the oldest of its minutes ended.
    """

    account_id: str
    minutes: tuple[RequestServed, ...]
    keys: dict[str, int]
    used: dict[str, int]
    ack: MeterAck
    lag_s: int


def read(meter: dict[str, str]) -> Meter:
    """Parse the hash of a meter."""
    parsed = Meter(meter.get("epoch", ""))
    for name, value in meter.items():
        match name.split("|"):
            case [minute, namespace_id, "in"]:
                _minute(parsed, minute).bytes_in[namespace_id] = int(value)
            case [minute, namespace_id, operation]:
                _minute(parsed, minute).requests[namespace_id, operation] = int(value)
            case ["used", key_id]:
                parsed.keys_used[key_id] = int(value)
            case ["reported", key_id]:
                parsed.keys_reported[key_id] = int(value)
            case [minute, "refunded"]:
                _minute(parsed, minute).refunded = int(value)
            case [minute, "reported"]:
                _minute(parsed, minute).reported = int(value)
            case _:
                continue
    return parsed


def build_report(
    snapshot: MeterSnapshot, *, now_s: int, flush_delay_s: int, key_use_report_minutes: int
) -> UsageReport | None:
    """Return what is due to be reported of an account; None when nothing is.

    A minute is reported `flush_delay_s` after it began, and again when it has changed. It is deleted once it has been
    reported and is final.
    """
    meter = read(snapshot.meter)
    due = {
        number: minute
        for number, minute in sorted(meter.minutes.items())
        if minute.changes != minute.reported and now_s >= number * 60 + flush_delay_s
    }
    over = frozenset(number for number in meter.minutes if now_s >= number * 60 + FINAL_AFTER_S)
    now = now_s // 60
    keys = {
        key_id: used
        for key_id, used in meter.keys_used.items()
        if _is_due(used, meter.keys_reported.get(key_id), now, key_use_report_minutes)
    }
    forgotten = frozenset(
        key_id
        for key_id, used in meter.keys_used.items()
        if meter.keys_reported.get(key_id) == used and now - used > KEY_FORGOTTEN_AFTER
    )
    if not due and not over and not keys and not forgotten:
        return None
    minutes = {number: minute.changes for number, minute in meter.minutes.items() if number in over or number in due}
    return UsageReport(
        account_id=snapshot.account_id,
        minutes=tuple(
            RequestServed(minute=number, epoch=meter.epoch, changes=minute.changes, namespaces=minute.served())
            for number, minute in due.items()
        ),
        keys=keys,
        used={month: int(used) for month, used in snapshot.quota.items()} if due else {},
        ack=MeterAck(snapshot.account_id, meter.epoch, minutes, over, keys, forgotten),
        lag_s=max((now_s - (number + 1) * 60 for number in due), default=0),
    )


def _minute(meter: Meter, number: str) -> Minute:
    return meter.minutes.setdefault(int(number), Minute())


def _is_due(used: int, reported: int | None, now: int, every: int) -> bool:
    """Report the first use, then periodically while use continues, and once more after it has stopped."""
    return reported is None or (used > reported and (used - reported >= every or now - used >= every))
