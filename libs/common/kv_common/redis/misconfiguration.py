"""A Redis that answers but cannot be used as configured: an ERROR line with what to set, and a metric for an alarm.

Requests go on under local limits meanwhile, unmetered, so without an alarm nobody would notice.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from kv_common.telemetry import logs
from kv_common.telemetry.metrics import emit_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

METRIC = "RedisMisconfigured"
REPORT_EVERY_S = 60.0


class Misconfiguration:
    """Reports at most once a minute per process; `monotonic` is a clock in seconds."""

    def __init__(
        self,
        env: Mapping[str, str] = os.environ,
        *,
        log: Callable[[dict[str, object]], None] = logs.write,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._env = env
        self._log = log
        self._monotonic = monotonic
        self._reported_at = float("-inf")

    def __call__(self, problem: str, remedy: str) -> None:
        """Log what is wrong and what to set, and count it."""
        now = self._monotonic()
        if now - self._reported_at < REPORT_EVERY_S:
            return
        self._reported_at = now
        self._log({"level": "ERROR", "message": "Redis is misconfigured", "problem": problem, "set": remedy})
        emit_metric(self._env.get("STAGE", ""), "kv", METRIC, 1)
