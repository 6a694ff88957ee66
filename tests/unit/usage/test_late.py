"""Requests that are reported after their month has closed are logged and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kv_common.events import Served
from kv_common.telemetry.metrics import NAMESPACE
from tests.unit.usage.fakes import event, served
from usage_service.late_usage import report_late

if TYPE_CHECKING:
    import pytest

RESOURCES = Path(__file__).parents[3] / "services" / "usage" / "resources.json"


def test_late_requests_are_in_the_log_and_in_the_metric_of_the_alarm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    late = event(served({"a": Served(requests={"get": 7}, bytes_in=0)}), "account#1#e")
    report_late("dev", late, 7)
    line, metric = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["level"], line["event_id"], line["account_id"]) == ("WARN", late.id, late.account_id)
    alarm = json.loads(RESOURCES.read_text("utf-8"))["Resources"]["TooLateAlarm"]["Properties"]
    assert metric[alarm["MetricName"]] == [7]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == alarm["Namespace"] == NAMESPACE
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert (metric["Service"], dimensions["Stage"]) == (dimensions["Service"], {"Ref": "Stage"})
