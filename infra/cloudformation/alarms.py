"""Alarms reach the operator: each notifies the topic that the stage names, if it names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.cloudformation.merge import merge

if TYPE_CHECKING:
    from infra.cloudformation.merge import Template

_ALARM = "AWS::CloudWatch::Alarm"


def with_alarms_heard(template: Template) -> Template:
    """The template with the same action for each of its alarms."""
    alarms = [name for name, resource in template["Resources"].items() if resource.get("Type") == _ALARM]
    if not alarms:
        return template
    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    fragment: Template = {
        "Parameters": {
            "AlarmTopicArn": {
                "Type": "String",
                "Default": "",
                "Description": "SNS topic that every alarm notifies when it starts and ends; empty for none",
            }
        },
        "Conditions": {"HasAlarmTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}},
        "Resources": {name: {"Properties": {"AlarmActions": action, "OKActions": action}} for name in alarms},
    }
    return merge(template, fragment)
