"""What every function gets: logs and rights."""

from __future__ import annotations

from typing import Any

from infra.cloudformation.functions import with_log_groups, with_rights, without_chalice_marks


def template(**properties: Any) -> dict[str, Any]:
    role = {"Policies": [{"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": ["own"]}}]}
    function = {"Role": {"Fn::GetAtt": ["OnEventsRole", "Arn"]}, "Tags": {"aws-chalice": "version=1"}, **properties}
    return {
        "Resources": {
            "OnEvents": {"Type": "AWS::Serverless::Function", "Properties": function},
            "OnEventsRole": {"Type": "AWS::IAM::Role", "Properties": role},
        }
    }


def statements(finished: dict[str, Any]) -> list[Any]:
    document = finished["Resources"]["OnEventsRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    found: list[Any] = document["Statement"]
    return found


def test_a_function_logs_to_a_group_of_its_own_that_forgets_after_some_days() -> None:
    finished = with_log_groups(template(), "usage")

    group = finished["Resources"]["OnEventsLogs"]["Properties"]
    assert group["LogGroupName"] == {"Fn::Sub": "/kv/${Stage}/usage/OnEvents"}
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    logging = finished["Resources"]["OnEvents"]["Properties"]["LoggingConfig"]
    assert logging["LogGroup"] == {"Ref": "OnEventsLogs"}


def test_lambda_writes_lines_of_its_own_for_failures_only_unless_a_stage_says_otherwise() -> None:
    finished = with_log_groups(template(), "usage")

    logging = finished["Resources"]["OnEvents"]["Properties"]["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    assert logging["SystemLogLevel"] == {"Ref": "SystemLogLevel"}
    assert logging["ApplicationLogLevel"] == {"Ref": "ApplicationLogLevel"}
    assert finished["Parameters"]["SystemLogLevel"]["Default"] == "WARN"
    assert finished["Parameters"]["ApplicationLogLevel"]["Default"] == "INFO"


def test_no_stage_can_ask_for_what_would_log_values() -> None:
    # Below INFO, Python's root logger logs what boto3 sends and receives.
    allowed = with_log_groups(template(), "usage")["Parameters"]["ApplicationLogLevel"]["AllowedValues"]

    assert not {"TRACE", "DEBUG"} & set(allowed)


def test_a_role_may_write_its_own_logs_beside_what_its_policy_file_says() -> None:
    own, logs = statements(with_rights(template()))

    assert own == "own"
    assert logs["Resource"] == {"Fn::GetAtt": ["OnEventsLogs", "Arn"]}


def test_a_function_in_a_vpc_may_attach_itself() -> None:
    assert statements(with_rights(template(VpcConfig={"SubnetIds": ["a"]})))[2]["Resource"] == "*"


def test_a_function_that_is_in_a_vpc_on_a_condition_has_the_right_on_the_same_condition() -> None:
    network = {"Fn::If": ["InVpc", {"SubnetIds": ["a"]}, {"Ref": "AWS::NoValue"}]}

    condition, statement, otherwise = statements(with_rights(template(VpcConfig=network)))[2]["Fn::If"]

    assert (condition, otherwise) == ("InVpc", {"Ref": "AWS::NoValue"})
    assert "ec2:CreateNetworkInterface" in statement["Action"]


def test_the_version_tag_of_chalice_is_gone() -> None:
    assert "Tags" not in without_chalice_marks(template())["Resources"]["OnEvents"]["Properties"]
