"""Metrics through the log: a line in CloudWatch's embedded metric format becomes a metric without any call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from kv_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE = "KVStorage"
Unit = Literal["Count", "Seconds", "Milliseconds", "Bytes"]


def emit_metric(
    stage: str,
    service: str,
    name: str,
    value: float,
    unit: Unit = "Count",
    *,
    log: Callable[[dict[str, object]], None] = logs.write,
    now_s: Callable[[], float] = time.time,
) -> None:
    """Log `value` as the metric `name` of a stage's service."""
    declared = {"Namespace": NAMESPACE, "Dimensions": [["Stage", "Service"]], "Metrics": [{"Name": name, "Unit": unit}]}
    log(
        {
            "_aws": {"Timestamp": int(now_s() * 1000), "CloudWatchMetrics": [declared]},
            "Stage": stage,
            "Service": service,
            # Whoever does without ordinary lines still has the alarms.
            "level": "WARN",
            name: value,
        }
    )
