"""What every function of the template gets: a log group of its own, and the rights that come with its settings."""

from __future__ import annotations

from typing import Any

from infra.cloudformation.merge import Template, merge

_FUNCTION = "AWS::Serverless::Function"
#: EC2 describes no ENI action narrower; https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_NETWORK_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]

#: Levels are distinguished in JSON only. At DEBUG, Python's root logger would log what boto3 sends: values.
_LOGGING = {
    "LogFormat": "JSON",
    "SystemLogLevel": {"Ref": "SystemLogLevel"},
    "ApplicationLogLevel": {"Ref": "ApplicationLogLevel"},
}


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """The SAM functions of a template by logical id."""
    return {name: value for name, value in template["Resources"].items() if value.get("Type") == _FUNCTION}


def with_log_groups(template: Template, service: str) -> Template:
    """The template with a log group per function, and parameters of what goes there and how long it stays."""
    fragment: Template = {
        "Parameters": {
            "Stage": {"Type": "String", "AllowedPattern": "[a-z][a-z0-9-]{0,19}", "Description": "Name of the stage"},
            "LogRetentionDays": {"Type": "Number", "Default": 30, "Description": "Days to keep the functions' logs"},
            "SystemLogLevel": {
                "Type": "String",
                "AllowedValues": ["DEBUG", "INFO", "WARN"],
                "Default": "WARN",
                "Description": "What Lambda logs of invocations: WARN only those that failed, INFO two lines of each",
            },
            "ApplicationLogLevel": {
                "Type": "String",
                "AllowedValues": ["INFO", "WARN"],
                "Default": "INFO",
                "Description": "What the functions log: INFO a line of each request, WARN only failures and metrics",
            },
        },
        "Resources": {},
    }
    for name in functions(template):
        fragment["Resources"][f"{name}Logs"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/kv/${{Stage}}/{service}/{name}"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        }
        logging = {"LogGroup": {"Ref": f"{name}Logs"}, **_LOGGING}
        fragment["Resources"][name] = {"Properties": {"LoggingConfig": logging}}
    return merge(template, fragment)


def with_dynamodb_client(template: Template) -> Template:
    """The template with a parameter that chooses the DynamoDB client of every function that has a table."""
    variables = {"DYNAMODB_CLIENT": {"Ref": "DynamoDbClient"}}
    changes = {
        name: {"Properties": {"Environment": {"Variables": variables}}}
        for name, function in functions(template).items()
        if "TABLE" in function["Properties"].get("Environment", {}).get("Variables", {})
    }
    parameter = {
        "Type": "String",
        "AllowedValues": ["fast", "boto3"],
        "Default": "fast",
        "Description": "How functions call DynamoDB: fast takes a tenth of the CPU, boto3 runs hooks of botocore",
    }
    return merge(template, {"Parameters": {"DynamoDbClient": parameter}, "Resources": changes}) if changes else template


def with_rights(template: Template) -> Template:
    """The template with the statements that follow from it.

    Each role may write its function's own logs, and one whose function stands in a VPC may attach it there. What a
    service does beyond that stands in its policy files.
    """
    roles: dict[str, list[Any]] = {}
    for name, function in functions(template).items():
        role = function["Properties"]["Role"]["Fn::GetAtt"][0]
        statements = roles.setdefault(role, [])
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": {"Fn::GetAtt": [f"{name}Logs", "Arn"]},
            }
        )
        network = function["Properties"].get("VpcConfig")
        if network is not None:
            statements.append(_under_condition_of(network, _network_statement()))
    resources = dict(template["Resources"])
    for role, statements in roles.items():
        resources[role] = _with_statements(resources[role], statements)
    return {**template, "Resources": resources}


def without_chalice_marks(template: Template) -> Template:
    """The template without Chalice's version tag, which would turn every new Chalice into a change of each function."""
    resources = dict(template["Resources"])
    for name, function in functions(template).items():
        properties = {key: value for key, value in function["Properties"].items() if key != "Tags"}
        resources[name] = {**function, "Properties": properties}
    return {**template, "Resources": resources}


def _network_statement() -> dict[str, Any]:
    return {"Effect": "Allow", "Action": _NETWORK_ACTIONS, "Resource": "*"}


def _under_condition_of(setting: dict[str, Any], statement: dict[str, Any]) -> dict[str, Any]:
    match setting:
        case {"Fn::If": [condition, _, {"Ref": "AWS::NoValue"}]}:
            return {"Fn::If": [condition, statement, {"Ref": "AWS::NoValue"}]}
        case {"Fn::If": [condition, {"Ref": "AWS::NoValue"}, _]}:
            return {"Fn::If": [condition, {"Ref": "AWS::NoValue"}, statement]}
        case _:
            return statement


def _with_statements(role: dict[str, Any], statements: list[Any]) -> dict[str, Any]:
    first, *others = role["Properties"]["Policies"]
    document = first["PolicyDocument"]
    widened = {**first, "PolicyDocument": {**document, "Statement": [*document["Statement"], *statements]}}
    return {**role, "Properties": {**role["Properties"], "Policies": [widened, *others]}}
