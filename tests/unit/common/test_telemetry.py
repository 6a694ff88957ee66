"""kv_common.telemetry: log lines and metrics."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cloudformation.functions import with_log_groups
from kv_common import clock
from kv_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Callable


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"]))
)
fields = st.dictionaries(st.text("abc_", min_size=1), st.one_of(scalars, st.lists(scalars)))


def output_of(log: Callable[[], None]) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        log()
    return output.getvalue()


@given(fields)
def test_fields_become_one_line_of_json(written: dict[str, object]) -> None:
    output = output_of(lambda: logs.write(written))

    assert output.endswith("\n")
    assert output.count("\n") == 1
    assert "\r" not in output
    assert json.loads(output) == written


def test_line_is_flushed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Output(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    output = Output()
    monkeypatch.setattr("sys.stdout", output)

    logs.write({"status": 200})

    assert output.flushed == '{"status":200}\n'


@pytest.mark.parametrize("level", ["WARN", "ERROR"])
def test_line_with_a_level_has_a_timestamp(level: str) -> None:
    before_ms = clock.now_ms()

    output = output_of(lambda: logs.write({"level": level, "status": 500}))

    line = json.loads(output)
    assert before_ms <= clock.milliseconds(line.pop("timestamp")) <= clock.now_ms()
    assert line == {"level": level, "status": 500}


def test_lines_are_written_to_standard_output_only(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handler = logging.StreamHandler()
    root.addHandler(handler)
    try:
        logs.write({"status": 200})
        logs.write({"status": 404})
    finally:
        root.removeHandler(handler)

    captured = capfd.readouterr()
    assert [json.loads(line) for line in captured.out.splitlines()] == [{"status": 200}, {"status": 404}]
    assert captured.err == ""


def test_logger_writes_a_message_with_its_extra_fields() -> None:
    output = output_of(lambda: logs.logger.info("refreshed %s", "keys", count=2))

    assert json.loads(output) == {"message": "refreshed keys", "count": 2}


def test_logged_exception_has_its_type_and_frames_but_not_its_message() -> None:
    def log() -> None:
        try:
            int("a customer's value")
        except ValueError:
            logs.logger.exception("failed")

    line = json.loads(output_of(log))

    assert (line["level"], line["message"], line["exception"]) == ("ERROR", "failed", "ValueError")
    assert "in log" in line["stack"][0]
    assert "invalid literal" not in str(line)


def test_metric_is_logged_at_a_level_that_every_stage_stores() -> None:
    allowed = with_log_groups({"Resources": {}}, "kv")["Parameters"]["ApplicationLogLevel"]["AllowedValues"]
    before_ms = clock.now_ms()

    output = output_of(lambda: metrics.emit_metric("dev", "kv", "FlushLag", 3, "Seconds"))

    line = json.loads(output)
    levels = ["INFO", "WARN", "ERROR"]
    assert levels.index(line["level"]) >= max(levels.index(level) for level in allowed)
    assert before_ms <= clock.milliseconds(line.pop("timestamp")) <= clock.now_ms()
    assert before_ms <= line["_aws"].pop("Timestamp") <= clock.now_ms()
    declared = {
        "Namespace": "KVStorage",
        "Dimensions": [["Stage", "Service"]],
        "Metrics": [{"Name": "FlushLag", "Unit": "Seconds"}],
    }
    assert line == {
        "_aws": {"CloudWatchMetrics": [declared]},
        "Stage": "dev",
        "Service": "kv",
        "level": "WARN",
        "FlushLag": [3],
    }
