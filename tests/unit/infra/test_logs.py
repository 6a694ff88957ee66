"""Following logs, on a CloudWatch of our own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from infra.operations.logs.__main__ import milliseconds
from infra.operations.logs.errors import LogError
from infra.operations.logs.format import show
from infra.operations.logs.function_logs import FunctionLogs
from infra.operations.logs.line import Line

LATE_MS = 30_000


@dataclass
class CloudWatch:
    """What we use of CloudWatch Logs: lines by group, each from some moment on.

    It answers in pages of `page` lines with a token, as AWS does, or like the emulator without.
    """

    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    now_ms: int = 0
    page: int = 3
    with_tokens: bool = True
    throttled: int = 0
    request: list[dict[str, Any]] = field(default_factory=list)

    class exceptions:  # noqa: N801 - boto3's name
        class ResourceNotFoundException(ClientError): ...

    def write(self, group: str, time_ms: int, message: str = "", *, delay_ms: int = 0, with_id: bool = True) -> None:
        events = self.groups.setdefault(group, [])
        event = {"timestamp": time_ms, "message": message, "logStreamName": "stream", "visible": time_ms + delay_ms}
        events.append({**event, "eventId": f"{group} {len(events)}"} if with_id else event)

    def get_paginator(self, name: str) -> CloudWatch:
        assert name == "describe_log_groups"
        return self

    def paginate(self, *, logGroupNamePrefix: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's name
        names = sorted(name for name in self.groups if name.startswith(logGroupNamePrefix))
        return [{"logGroups": [{"logGroupName": name}]} for name in names]

    def filter_log_events(self, **arguments: Any) -> dict[str, Any]:
        self.request.append(arguments)
        if self.throttled:
            self.throttled -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "FilterLogEvents")
        if arguments["logGroupName"] not in self.groups:
            raise self.exceptions.ResourceNotFoundException({"Error": {"Code": "…"}}, "FilterLogEvents")
        found = [
            event
            for event in sorted(self.groups[arguments["logGroupName"]], key=lambda event: int(event["timestamp"]))
            if event["timestamp"] >= arguments["startTime"] and event["visible"] <= self.now_ms
        ]
        size = self.page if self.with_tokens else arguments["limit"]
        start = int(arguments.get("nextToken", 0))
        response: dict[str, Any] = {"events": found[start : start + size]}
        if self.with_tokens and start + size < len(found):
            response["nextToken"] = str(start + size)
        return response


def following(cloud: CloudWatch, **settings: Any) -> FunctionLogs:
    return FunctionLogs(
        cloud,  # type: ignore[arg-type]  # the two methods that are used
        "dev",
        **{"since_ms": 0, "late_ms": LATE_MS, "now_s": lambda: cloud.now_ms / 1000, **settings},
    )


def messages(logs: FunctionLogs) -> list[str]:
    return [line.message for line in logs.new_lines()]


@given(
    lines=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 200_000), st.integers(0, LATE_MS - 1)), max_size=30
    ),
    rounds=st.lists(st.integers(0, 200_000), max_size=8),
)
def test_every_line_is_shown_once_however_late_it_comes_and_each_time_in_order(
    lines: list[tuple[str, int, int]], rounds: list[int]
) -> None:
    cloud = CloudWatch(groups={f"/kv/dev/kv/{function}": [] for function in "abc"})
    for number, (function, time_ms, delay_ms) in enumerate(lines):
        cloud.write(f"/kv/dev/kv/{function}", time_ms, f"line {number}", delay_ms=delay_ms)
    logs = following(cloud)
    shown: list[str] = []

    for cloud.now_ms in [*sorted(rounds), 200_000 + LATE_MS]:
        new = list(logs.new_lines())
        assert [line.time_ms for line in new] == sorted(line.time_ms for line in new)
        shown += [line.message for line in new]

    assert sorted(shown) == sorted(f"line {number}" for number in range(len(lines)))


def test_lines_of_several_functions_come_in_the_order_of_their_times() -> None:
    cloud = CloudWatch(now_ms=10)
    for group, time_ms in (("auth/APIHandler", 3), ("kv/APIHandler", 1), ("kv/OnEvents", 2), ("auth/APIHandler", 4)):
        cloud.write(f"/kv/dev/{group}", time_ms, str(time_ms))

    lines = list(following(cloud).new_lines())

    assert [(line.time_ms, line.service, line.function) for line in lines] == [
        (1, "kv", "APIHandler"),
        (2, "kv", "OnEvents"),
        (3, "auth", "APIHandler"),
        (4, "auth", "APIHandler"),
    ]


def test_another_stage_and_other_services_are_left_out() -> None:
    cloud = CloudWatch(now_ms=10)
    for group in ("/kv/dev/kv/a", "/kv/dev/kvother/a", "/kv/dev2/kv/a", "/kv/dev/auth/a"):
        cloud.write(group, 1, group)

    assert messages(following(cloud, service="kv")) == ["/kv/dev/kv/a"]


def test_a_function_that_is_deployed_meanwhile_is_followed_and_one_that_is_removed_is_not_missed() -> None:
    cloud = CloudWatch(now_ms=10)
    cloud.write("/kv/dev/kv/old", 1, "old")
    logs = following(cloud)
    assert messages(logs) == ["old"]
    cloud.write("/kv/dev/kv/new", 5, "new")

    readings = logs.new_lines()
    del cloud.groups["/kv/dev/kv/old"]

    assert [line.message for line in readings] == ["new"]


def test_being_asked_to_slow_down_loses_nothing() -> None:
    cloud = CloudWatch(now_ms=10, throttled=1)
    cloud.write("/kv/dev/kv/a", 1, "line")

    assert messages(following(cloud)) == ["line"]


def test_what_does_not_fit_one_answer_is_read_also_where_there_are_no_tokens() -> None:
    # The emulator: full pages end without a token, and lines of functions have no ids.
    cloud = CloudWatch(now_ms=100_000, with_tokens=False)
    for number in range(25_000):
        # Two equal lines at each time, one pair of them around the end of every page.
        cloud.write("/kv/dev/kv/a", (number + 1) // 2, "twin", with_id=False)
    logs = following(cloud)

    assert len(messages(logs)) == 25_000
    assert messages(logs) == []


def test_the_platform_s_own_lines_are_left_out() -> None:
    cloud = CloudWatch(now_ms=10)
    for message in ("INIT_START Runtime", "START RequestId: 1", "mine\n", "END RequestId: 1", "REPORT RequestId: 1"):
        cloud.write("/kv/dev/kv/a", 1, message)

    assert messages(following(cloud)) == ["mine"]


REQUEST_ID = "79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36"


def of_platform(kind: str, **record: object) -> str:
    """Return what Lambda logs in JSON about an invocation."""
    return json.dumps({"time": "2026-11-20T10:00:01.123Z", "type": f"platform.{kind}", "record": record})


REPORT = {"requestId": REQUEST_ID, "metrics": {"durationMs": 15_000.12, "maxMemoryUsedMB": 123}}


@pytest.mark.parametrize(
    "message",
    [
        of_platform("initStart", initializationType="on-demand", runtimeVersion="python:3.11.v1"),
        of_platform("start", requestId=REQUEST_ID, version="$LATEST"),
        of_platform("runtimeDone", requestId=REQUEST_ID, status="success"),
        of_platform("report", **REPORT, status="success"),
    ],
)
def test_what_lambda_says_in_json_of_an_invocation_that_went_well_is_left_out(message: str) -> None:
    cloud = CloudWatch(now_ms=10)
    cloud.write("/kv/dev/kv/a", 1, message)
    cloud.write("/kv/dev/kv/a", 1, '{"type":"platform.report"}')

    assert messages(following(cloud)) == ['{"type":"platform.report"}']


@pytest.mark.parametrize(
    "message",
    [
        *(of_platform("report", **REPORT, status=status) for status in ("timeout", "error", "failure")),
        of_platform("runtimeDone", requestId=REQUEST_ID, status="timeout"),
        of_platform("initReport", initializationType="on-demand", status="error"),
        of_platform("logsDropped", reason="Consumer seems to have fallen behind", droppedRecords=3),
        json.dumps({"time": "t", "type": "platform.fault", "record": "Process exited before completing request"}),
    ],
)
def test_what_lambda_says_of_a_failure_is_shown(message: str) -> None:
    cloud = CloudWatch(now_ms=10)
    cloud.write("/kv/dev/kv/a", 1, message)

    assert messages(following(cloud)) == [message]


def test_the_id_of_an_invocation_finds_what_lambda_says_of_its_failure() -> None:
    cloud = CloudWatch(now_ms=10)
    report = of_platform("report", **REPORT, status="timeout")
    uncaught = json.dumps({"level": "ERROR", "errorType": "KeyError", "requestId": REQUEST_ID})
    for message in (report, uncaught, of_platform("report", requestId="another", status="timeout")):
        cloud.write("/kv/dev/kv/a", 1, message)

    assert messages(following(cloud, wanted=REQUEST_ID)) == [report, uncaught]
    assert f'($.record.requestId = "{REQUEST_ID}")' in cloud.request[0]["filterPattern"]


@pytest.mark.parametrize("name", ["correlation_id", "event_id", "request_id", "message_id", "requestId"])
def test_an_id_finds_the_lines_that_hold_it_and_no_other(name: str) -> None:
    cloud = CloudWatch(now_ms=10)
    wanted = json.dumps({name: "key_1#issued"})
    for message in (
        wanted,
        json.dumps({name: "key_1#issued-later"}),
        json.dumps({"note": "key_1#issued"}),
        "key_1#issued",
        "[1]",
    ):
        cloud.write("/kv/dev/kv/a", 1, message)

    assert messages(following(cloud, wanted="key_1#issued")) == [wanted]
    assert f'($.{name} = "key_1#issued")' in cloud.request[0]["filterPattern"]


@pytest.mark.parametrize("wanted", ['a"b', "a b", "a\\b", "ä", "a\nb", ""])
def test_what_cannot_be_an_id_is_said_before_anything_is_asked(wanted: str) -> None:
    cloud = CloudWatch()

    with pytest.raises(LogError, match="is no id"):
        following(cloud, wanted=wanted)
    assert cloud.request == []


def test_a_stage_without_functions_is_said() -> None:
    with pytest.raises(LogError, match=r"no log groups /kv/dev/.*deployed"):
        following(CloudWatch()).require_any()


def test_an_unknown_service_is_named_together_with_those_that_log() -> None:
    cloud = CloudWatch(groups={"/kv/dev/kv/APIHandler": [], "/kv/dev/gateway/access": []})

    following(cloud, service="gateway").require_any()
    with pytest.raises(LogError, match=r"/kv/dev/kvx/.*There are: gateway, kv\."):
        following(cloud, service="kvx").require_any()


def test_who_looks_for_the_log_of_the_gateway_is_told_how_to_turn_it_on() -> None:
    cloud = CloudWatch(groups={"/kv/dev/kv/APIHandler": []})

    with pytest.raises(LogError, match=r'AccessLog = "on".*There are: kv\.'):
        following(cloud, service="gateway").require_any()


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("1d", 86_400_000), ("0s", 0)]
)
def test_lengths_of_time(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1w", "1.5h", "10 m"])
def test_what_is_no_length_of_time_is_said(text: str) -> None:
    with pytest.raises(LogError, match="30s, 10m, 2h or 1d"):
        milliseconds(text)


def shown(message: object, *, color: bool = False) -> str:
    text = message if isinstance(message, str) else json.dumps(message)
    return show(Line(1_795_168_801_123, "kv", "APIHandler", text), color=color)


def test_a_request_is_one_line_with_everything_at_its_place() -> None:
    line = {
        "timestamp": "2026-11-20T10:00:01.123Z",
        "level": "ERROR",
        "correlation_id": "trace-1",
        "request_id": "r",
        "status": 503,
        "duration_ms": 3.1,
        "bytes_out": 2,
        "route": "GET /v1/{namespace}/{key}",
        "limiter": None,
    }

    assert shown(line) == (
        "11-20 10:00:01.123 kv       APIHandler         ERROR GET /v1/{namespace}/{key} 503 3.1 ms"
        "  trace-1  request_id=r bytes_out=2"
    )


def test_an_event_that_was_applied_names_it_and_its_id() -> None:
    line = {"outcome": "done", "event": "ApiKeyRevoked", "event_id": "key_1#revoked"}

    assert "done ApiKeyRevoked  -  event_id=key_1#revoked" in shown(line)


def test_a_stack_stands_below_its_line() -> None:
    line = {"level": "ERROR", "exception": "KeyError", "stack": ['  File "a.py", line 1\n    x[1]\n', "  File b\n"]}

    assert shown(line).splitlines()[1:] == ['      File "a.py", line 1', "        x[1]", "      File b"]


def test_an_invocation_that_ran_out_of_time_is_an_error_that_says_so() -> None:
    line = shown(of_platform("report", **REPORT, status="timeout"))

    assert "APIHandler         ERROR platform.report timeout  -  " in line
    assert f"requestId={REQUEST_ID}" in line
    assert '"durationMs":15000.12' in line


@pytest.mark.parametrize("level", ["level", "log_level"])
def test_what_nobody_caught_is_an_error_with_its_stack_below(level: str) -> None:
    # As Python's runtime logs it in JSON; https://github.com/aws/aws-lambda-python-runtime-interface-client/issues/202
    line = {level: "ERROR", "errorMessage": "no", "errorType": "KeyError", "requestId": "r", "stackTrace": ["  File a"]}

    first, *stack = shown(line).splitlines()

    assert first.endswith("ERROR no  -  exception=KeyError requestId=r")
    assert stack == ["      File a"]


def test_a_line_without_a_level_is_an_ordinary_one() -> None:
    line = {"correlation_id": "trace-1", "status": 200, "duration_ms": 3.1, "route": "GET /v1/{namespace}/{key}"}

    assert shown(line) == (
        "11-20 10:00:01.123 kv       APIHandler         INFO  GET /v1/{namespace}/{key} 200 3.1 ms  trace-1"
    )


def test_a_line_that_is_no_json_is_shown_as_it_is() -> None:
    assert shown("Task timed out after 15.00 seconds").endswith("APIHandler         Task timed out after 15.00 seconds")
    assert shown('["a list"]').endswith('["a list"]')


def test_a_metric_is_shown_by_name_and_value_without_what_is_for_machines() -> None:
    line = {"timestamp": "t", "_aws": {"Timestamp": 1}, "Stage": "dev", "Service": "kv", "level": "WARN", "Lag": 3}

    assert shown(line).endswith("INFO  -  Lag=3")


@pytest.mark.parametrize("message", ["\x1b[2J", {"message": "\x1b[2J", "x": "\x9b2J", "\x1by": 1, "level": "\x1b"}])
def test_nothing_in_a_line_commands_the_terminal(message: object) -> None:
    assert shown(message).isprintable()


def test_errors_are_red_where_there_are_colors() -> None:
    assert "\x1b[31mERROR\x1b[0m" in shown({"level": "ERROR"}, color=True)
    assert "\x1b" not in shown({"level": "ERROR"})
