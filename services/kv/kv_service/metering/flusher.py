"""From the meter in Redis to events: what was served, minute by minute, told through the outbox.

Whatever step it dies at, it may begin again: what is told twice is told under the same id with the same counts, and
the meter forgets a minute only after it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kv_service.metering import rules
from kv_service.metering.events import keys_used, request_served

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_common.admission.redis_metering import RedisMeterStore
    from kv_service.metering.ports import UsageOutbox
    from kv_service.metering.rules import UsageReport

ACCOUNTS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What one flush did; `lag_s` is for how long the oldest minute that it told had been over."""

    accounts: int
    minutes: int
    lag_s: int


class Flusher:
    """Tells what meters have counted."""

    def __init__(
        self,
        meter: RedisMeterStore,
        store: UsageOutbox,
        *,
        flush_delay_s: int,
        key_use_report_minutes: int,
        new_correlation_id: Callable[[], str],
    ) -> None:
        self._meter = meter
        self._store = store
        self._told_after_s = flush_delay_s
        self._keys_told_every = key_use_report_minutes
        self._new_correlation_id = new_correlation_id

    def flush(self) -> FlushResult:
        """Tell all that is due, a hundred accounts at a time."""
        correlation_id = self._new_correlation_id()
        now_s = self._meter.now_s()
        accounts = minutes = lag_s = 0
        for readings in self._meter.snapshots(ACCOUNTS_AT_ONCE):
            found = (
                rules.build_report(
                    reading, now_s=now_s, flush_delay_s=self._told_after_s, key_use_report_minutes=self._keys_told_every
                )
                for reading in readings
            )
            tellings = [one for one in found if one is not None]
            self._tell(tellings, correlation_id, now_s)
            accounts += len(tellings)
            minutes += sum(len(one.minutes) for one in tellings)
            lag_s = max([lag_s, *(one.lag_s for one in tellings)])
        return FlushResult(accounts, minutes, lag_s)

    def _tell(self, tellings: list[UsageReport], correlation_id: str, now_s: int) -> None:
        events = [
            request_served(one.account_id, served, correlation_id, now_s=now_s)
            for one in tellings
            for served in one.minutes
        ]
        events += [keys_used(one.account_id, one.keys, correlation_id, now_s=now_s) for one in tellings if one.keys]
        self._store.put(events, {one.account_id: one.used for one in tellings if one.used}, now_s=now_s)
        self._meter.acknowledge([one.settled for one in tellings])
