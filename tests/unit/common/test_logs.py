"""Log lines."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cloudformation.functions import with_log_groups
from kv_common import clock
from kv_common.telemetry import logs, metrics


class Stream(io.StringIO):
    """A stream that remembers what had been flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = ""

    def flush(self) -> None:
        super().flush()
        self.flushed = self.getvalue()


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"]))
)
fields = st.dictionaries(st.text("abc_", min_size=1), st.one_of(scalars, st.lists(scalars)))


@given(fields)
def test_fields_become_one_line_of_json_that_is_flushed_at_once(written: dict[str, object]) -> None:
    stream = Stream()

    logs.write(written, stream)

    assert stream.flushed.endswith("\n")
    assert stream.flushed.count("\n") == 1
    assert "\r" not in stream.flushed
    assert json.loads(stream.flushed) == written


@pytest.mark.parametrize("level", ["WARN", "ERROR"])
def test_a_line_with_a_level_gets_the_timestamp_that_lambda_wants_beside_it(level: str) -> None:
    stream, before_ms = Stream(), clock.now_ms()

    logs.write({"level": level, "status": 500}, stream)

    line = json.loads(stream.flushed)
    assert before_ms <= clock.milliseconds(line.pop("timestamp")) <= clock.now_ms()
    assert line == {"level": level, "status": 500}


def test_a_metric_is_logged_so_that_no_level_a_stage_can_ask_for_takes_it_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    allowed = with_log_groups({"Resources": {}}, "kv")["Parameters"]["ApplicationLogLevel"]["AllowedValues"]

    metrics.emit_metric("dev", "kv", "FlushLag", 3, "Seconds", now_s=lambda: 1.5)

    line = json.loads(capsys.readouterr().out)
    levels = ["INFO", "WARN", "ERROR"]
    assert levels.index(line["level"]) >= max(levels.index(level) for level in allowed)
    assert clock.milliseconds(line["timestamp"])
    assert line["_aws"]["Timestamp"] == 1_500
    assert {name: line[name] for name in ("Stage", "Service", "FlushLag")} == {
        "Stage": "dev", "Service": "kv", "FlushLag": 3,
    }  # fmt: skip


def test_lines_go_to_standard_output_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    logs.write({"status": 200})
    logs.write({"status": 404})

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"status": 200}, {"status": 404}]
