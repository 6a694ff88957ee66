"""The finished template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.cloudformation.lint import lint
from infra.cloudformation.template import finish, read_fragment, write
from infra.packaging.errors import BuildError, LintError, MergeError

if TYPE_CHECKING:
    from pathlib import Path


def sam() -> dict[str, Any]:
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "OnEvents": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.11",
                    "Handler": "app.on_events",
                    "CodeUri": "./deployment.zip",
                    "Role": {"Fn::GetAtt": ["OnEventsRole", "Arn"]},
                    "Events": {
                        "OnEventsSqsEventSource": {
                            "Type": "SQS",
                            "Properties": {"Queue": {"Fn::GetAtt": ["Events", "Arn"]}, "BatchSize": 10},
                        }
                    },
                },
            },
            "OnEventsRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "lambda.amazonaws.com"},
                                "Action": "sts:AssumeRole",
                            }
                        ],
                    },
                    "Policies": [
                        {"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
                    ],
                },
            },
        },
    }


FRAGMENT: dict[str, Any] = {
    "Parameters": {"Mode": {"Type": "String", "Default": "fast"}},
    "Resources": {
        "Events": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 180}},
        "OnEvents": {
            "Properties": {
                "Environment": {"Variables": {"MODE": {"Ref": "Mode"}, "REGION": {"Ref": "AWS::Region"}}},
                "Events": {
                    "OnEventsSqsEventSource": {"Properties": {"FunctionResponseTypes": ["ReportBatchItemFailures"]}}
                },
            }
        },
    },
}


def finished() -> dict[str, Any]:
    return finish(sam(), FRAGMENT, service="usage", code_key="usage/abc.zip")


def test_it_is_plain_cloudformation_that_cfn_lint_has_nothing_to_say_about(tmp_path: Path) -> None:
    write(finished(), tmp_path / "template.json")

    lint(tmp_path / "template.json")

    assert "Serverless" not in (tmp_path / "template.json").read_text()


def test_the_code_is_read_from_the_bucket_of_the_stage() -> None:
    assert finished()["Resources"]["OnEvents"]["Properties"]["Code"] == {
        "S3Bucket": {"Fn::ImportValue": {"Fn::Sub": "kv-${Stage}-artifacts-bucket"}},
        "S3Key": "usage/abc.zip",
    }


def test_parameters_and_the_region_are_resolved_at_deployment_and_not_before() -> None:
    variables = finished()["Resources"]["OnEvents"]["Properties"]["Environment"]["Variables"]

    assert variables == {"MODE": {"Ref": "Mode"}, "REGION": {"Ref": "AWS::Region"}}


def test_what_is_merged_into_an_event_source_reaches_the_mapping() -> None:
    (mapping,) = (
        resource
        for resource in finished()["Resources"].values()
        if resource["Type"] == "AWS::Lambda::EventSourceMapping"
    )

    assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_same_inputs_make_the_same_text() -> None:
    assert json.dumps(finished()) == json.dumps(finished())


def test_a_template_that_sam_does_not_understand_is_an_error_with_its_reason() -> None:
    broken = sam()
    del broken["Resources"]["OnEvents"]["Properties"]["Events"]["OnEventsSqsEventSource"]["Properties"]["Queue"]

    with pytest.raises(BuildError, match="OnEvents"):
        finish(broken, {}, service="usage", code_key="usage/abc.zip")


def test_a_template_that_cloudformation_would_refuse_is_an_error(tmp_path: Path) -> None:
    template = finished()
    template["Resources"]["Events"]["Properties"]["VisibilityTimeuot"] = 3
    write(template, tmp_path / "template.json")

    with pytest.raises(LintError, match="VisibilityTimeuot"):
        lint(tmp_path / "template.json")


def test_a_fragment_that_is_no_json_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "resources.json").write_text("{,}")

    with pytest.raises(MergeError, match=r"resources\.json is no JSON"):
        read_fragment(tmp_path / "resources.json")
    assert read_fragment(tmp_path / "none.json") == {}
