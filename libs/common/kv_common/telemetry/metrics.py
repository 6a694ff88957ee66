"""CloudWatch metrics by Powertools, in embedded metric format: a line of the log becomes a metric."""

from __future__ import annotations

from typing import Literal

from kv_common import clock

NAMESPACE = "KVStorage"
Unit = Literal["Count", "Seconds", "Milliseconds", "Bytes"]


def emit_metric(stage: str, service: str, name: str, value: float, unit: Unit = "Count") -> None:
    """Emit `value` as the metric `name` of a stage's service."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    dimensions = {"Stage": stage, "Service": service}
    with single_metric(name, MetricUnit(unit), value, namespace=NAMESPACE, default_dimensions=dimensions) as metric:
        # A stage that stores no INFO lines still needs its metrics.
        metric.add_metadata("level", "WARN")
        metric.add_metadata("timestamp", clock.timestamp(clock.now_ms()))
