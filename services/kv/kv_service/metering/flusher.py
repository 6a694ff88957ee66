"""Publishes the meters in Redis as events, minute by minute, through the outbox.

It can be repeated after a crash at any step: a repeated report has the same id and the same counts, and the meter
deletes a minute only after its report has been stored.
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
    """What one flush did; `lag_s` is the time since the oldest reported minute ended."""

    accounts: int
    minutes: int
    lag_s: int


class Flusher:
    """Publishes what meters have counted."""

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
        self._flush_delay_s = flush_delay_s
        self._key_use_report_minutes = key_use_report_minutes
        self._new_correlation_id = new_correlation_id

    def flush(self) -> FlushResult:
        """Publish everything that is due, a hundred accounts at a time."""
        correlation_id = self._new_correlation_id()
        now_s = self._meter.now_s()
        accounts = minutes = lag_s = 0
        for snapshots in self._meter.snapshots(ACCOUNTS_AT_ONCE):
            found = (
                rules.build_report(
                    snapshot,
                    now_s=now_s,
                    flush_delay_s=self._flush_delay_s,
                    key_use_report_minutes=self._key_use_report_minutes,
                )
                for snapshot in snapshots
            )
            reports = [one for one in found if one is not None]
            self._publish(reports, correlation_id, now_s)
            accounts += len(reports)
            minutes += sum(len(one.minutes) for one in reports)
            lag_s = max([lag_s, *(one.lag_s for one in reports)])
        return FlushResult(accounts, minutes, lag_s)

    def _publish(self, reports: list[UsageReport], correlation_id: str, now_s: int) -> None:
        events = [
            request_served(one.account_id, served, correlation_id, now_s=now_s)
            for one in reports
            for served in one.minutes
        ]
        events += [keys_used(one.account_id, one.keys, correlation_id, now_s=now_s) for one in reports if one.keys]
        self._store.put(events, {one.account_id: one.used for one in reports if one.used}, now_s=now_s)
        self._meter.acknowledge([one.ack for one in reports])
