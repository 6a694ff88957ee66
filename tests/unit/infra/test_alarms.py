"""Alarms reach the operator."""

from __future__ import annotations

from typing import Any

from infra.cloudformation import parts
from infra.cloudformation.alarms import with_alarms_heard
from infra.repository import Repository


def template(**alarms: dict[str, Any]) -> dict[str, Any]:
    resources = {name: {"Type": "AWS::CloudWatch::Alarm", "Properties": given} for name, given in alarms.items()}
    return {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, **resources}}


def test_every_alarm_tells_the_topic_when_it_goes_off_and_when_it_is_over() -> None:
    heard = with_alarms_heard(template(One={"Threshold": 0}, Two={}))

    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert heard["Resources"]["One"]["Properties"] == {"Threshold": 0, "AlarmActions": action, "OKActions": action}
    assert heard["Resources"]["Two"]["Properties"] == {"AlarmActions": action, "OKActions": action}
    assert heard["Resources"]["Queue"] == {"Type": "AWS::SQS::Queue"}


def test_a_stage_need_not_name_a_topic() -> None:
    heard = with_alarms_heard(template(One={}))

    assert heard["Parameters"]["AlarmTopicArn"]["Default"] == ""
    assert heard["Conditions"]["HasAlarmTopic"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}


def test_a_template_without_alarms_asks_for_no_topic() -> None:
    assert with_alarms_heard(template()) == template()


def test_operators_are_told_what_to_do_about_every_alarm_that_the_parts_bring() -> None:
    page = (Repository.here().root / "docs" / "operations.md").read_text()
    fragment = parts.expand({"publisher": {}, "queues": {"Events": {"Function": "OnEvents"}}}, "usage")
    alarms = {name for name, resource in fragment["Resources"].items() if resource.get("Type", "").endswith("::Alarm")}

    assert len(alarms) == 4
    for alarm in alarms:
        assert f"| `{alarm.replace('Events', '<Queue>')}` |" in page
