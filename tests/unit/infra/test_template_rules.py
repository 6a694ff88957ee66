"""The rules of templates hold for what the parts make, and each finds what breaks it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.cloudformation.template import finish
from infra.repository import Repository
from tests.support import template_rules as rules
from tests.support.template_rules import RULES, Template

Mutation = Callable[[dict[str, Any]], object]

_SOURCES = {
    "OnEvents": {"OnEventsSqsEventSource": {"Type": "SQS", "Properties": {"Queue": "EventsQueue", "BatchSize": 10}}},
    "OnJobs": {"OnJobsSqsEventSource": {"Type": "SQS", "Properties": {"Queue": "JobsQueue", "BatchSize": 1}}},
    "PublishOutbox": {"PublishOutboxDynamodbEventSource": {"Type": "DynamoDB", "Properties": {"Stream": "Table"}}},
    "Tidy": {"TidySchedule": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}},
}


def function(name: str) -> Template:
    """Return a function and its role, as Chalice describes them."""
    source = copy.deepcopy(_SOURCES[name])
    for one in source.values():
        properties: dict[str, Any] = one["Properties"]  # type: ignore[assignment]  # the other member is text
        for member, attribute in (("Queue", "Arn"), ("Stream", "StreamArn")):
            if member in properties:
                properties[member] = {"Fn::GetAtt": [properties[member], attribute]}
    allowed = {"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": {"Fn::GetAtt": ["EventsQueue", "Arn"]}}
    return {
        name: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.11",
                "Handler": f"app.{name}",
                "CodeUri": "./deployment.zip",
                "Timeout": 30,
                "Role": {"Fn::GetAtt": [f"{name}Role", "Arn"]},
                "Events": source,
            },
        },
        f"{name}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [{"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}],
            },
        },
    }


@pytest.fixture(scope="module")
def good() -> Template:
    """What a service with every part has."""
    sam = {"Resources": {name: value for one in _SOURCES for name, value in function(one).items()}}
    fragment = {
        "Metadata": {
            "Parts": {
                "table": {},
                "publisher": {},
                "buckets": ["Objects"],
                "queues": {
                    "Events": {"Function": "OnEvents", "From": {"kv.auth": ["AccountDeleted"]}},
                    "Jobs": {"Function": "OnJobs"},
                },
            }
        }
    }
    return finish(sam, fragment, service="usage", code_key="usage/abc.zip")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_the_parts_make_keeps_to_every_rule(good: Template, rule: Callable[[Template], list[str]]) -> None:
    assert rule(good) == []


def set_to(path: str, value: object) -> Mutation:
    """Return a change of one property, by the resource's name and the members below its properties."""

    def mutate(found: dict[str, Any]) -> None:
        name, *members, last = path.split(".")
        node: Any = found[name]["Properties"]
        for member in members:
            node = node[int(member) if isinstance(node, list) else member]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return mutate


def without(name: str) -> Mutation:
    return lambda found: found.pop(name)


STREAM = "PublishOutboxPublishOutboxDynamodbEventSource"
QUEUE = "OnEventsOnEventsSqsEventSource"
FIRST_STATEMENT = "OnEventsRole.Policies.0.PolicyDocument.Statement.0"
OPEN = "Objects.PublicAccessBlockConfiguration"
ELSEWHERE = {"Fn::ImportValue": "queue-of-another-stack"}


@pytest.mark.parametrize(
    ("rule", "mutate", "complaint"),
    [
        (rules.policies_name_what_they_allow, set_to(f"{FIRST_STATEMENT}.Action", ["sqs:*"]), "sqs:*"),
        (rules.policies_name_what_they_allow, set_to(f"{FIRST_STATEMENT}.Resource", "*"), "ReceiveMessage"),
        (
            rules.policies_name_what_they_allow,
            set_to(FIRST_STATEMENT[:-2], [{"Fn::If": ["A", {"Effect": "Allow", "Action": "s3:*", "Resource": "x"}]}]),
            "s3:*",
        ),
        (
            rules.functions_have_roles_of_their_own,
            set_to("OnJobs.Role", {"Fn::GetAtt": ["OnEventsRole", "Arn"]}),
            "OnEventsRole",
        ),
        (rules.functions_log_what_the_stage_asks_for, set_to("OnJobs.LoggingConfig", None), "OnJobs has no log group"),
        (rules.functions_log_what_the_stage_asks_for, without("OnJobsLogs"), "OnJobs has no log group"),
        (rules.functions_log_what_the_stage_asks_for, set_to("OnJobs.LoggingConfig.LogFormat", "Text"), "in JSON"),
        (
            rules.functions_log_what_the_stage_asks_for,
            set_to("OnJobs.LoggingConfig.SystemLogLevel", "INFO"),
            "OnJobs does not take SystemLogLevel",
        ),
        (
            rules.functions_log_what_the_stage_asks_for,
            set_to("OnJobs.LoggingConfig.ApplicationLogLevel", None),
            "OnJobs does not take ApplicationLogLevel",
        ),
        (rules.consumers_report_which_messages_failed, set_to(f"{QUEUE}.FunctionResponseTypes", None), QUEUE),
        (rules.consumers_report_which_messages_failed, set_to(f"{STREAM}.FunctionResponseTypes", []), STREAM),
        (rules.queues_have_a_dead_letter_queue, set_to("JobsQueue.RedrivePolicy", None), "JobsQueue has no"),
        (
            rules.queues_have_a_dead_letter_queue,
            set_to("JobsQueue.RedrivePolicy.deadLetterTargetArn", ELSEWHERE),
            "JobsQueue has no",
        ),
        (rules.queues_have_a_dead_letter_queue, set_to("JobsQueue.RedrivePolicy.maxReceiveCount", 1), "after 1 times"),
        (rules.queues_have_a_dead_letter_queue, set_to("JobsDlq.MessageRetentionPeriod", None), "as long as"),
        (rules.queues_give_their_consumers_time, set_to("EventsQueue.VisibilityTimeout", 179), QUEUE),
        (rules.queues_give_their_consumers_time, set_to("EventsQueue.VisibilityTimeout", None), QUEUE),
        (rules.queues_give_their_consumers_time, set_to("OnEvents.Timeout", 31), QUEUE),
        (rules.streams_are_never_blocked_for_ever, set_to(f"{STREAM}.MaximumRetryAttempts", None), "Attempts"),
        (rules.streams_are_never_blocked_for_ever, set_to(f"{STREAM}.MaximumRecordAgeInSeconds", -1), "Age"),
        (rules.streams_are_never_blocked_for_ever, set_to(f"{STREAM}.BisectBatchOnFunctionError", None), "bisect"),
        (rules.streams_are_never_blocked_for_ever, set_to(f"{STREAM}.DestinationConfig", None), "drops"),
        (rules.rules_retry_and_bury_the_rest, set_to("EventsRule.Targets.0.RetryPolicy", None), "how often"),
        (
            rules.rules_retry_and_bury_the_rest,
            set_to("EventsRule.Targets.0.RetryPolicy.MaximumEventAgeInSeconds", None),
            "how often",
        ),
        (rules.rules_retry_and_bury_the_rest, set_to("EventsRule.Targets.0.DeadLetterConfig", None), "drops"),
        (
            rules.rules_wait_for_events_that_are_told,
            set_to("EventsRule.EventPattern.detail-type", ["AcountDeleted"]),
            "does not exist",
        ),
        (
            rules.rules_wait_for_events_that_are_told,
            set_to("EventsRule.EventPattern.source", ["kv.kv"]),
            "AccountDeleted from",
        ),
        (rules.dead_letter_queues_have_alarms, without("EventsDlqAlarm"), "EventsDlq"),
        (rules.dead_letter_queues_have_alarms, without("OutboxDlqAlarm"), "OutboxDlq"),
        (rules.dead_letter_queues_have_alarms, set_to("JobsDlqAlarm.MetricName", "NumberOfMessagesSent"), "JobsDlq"),
        (rules.queues_have_alarms_on_age, without("JobsAgeAlarm"), "JobsQueue"),
        (
            rules.queues_have_alarms_on_age,
            set_to("JobsAgeAlarm.Dimensions.0.Value", {"Fn::GetAtt": ["EventsQueue", "QueueName"]}),
            "JobsQueue",
        ),
        (rules.streams_have_alarms_on_age, without("OutboxAgeAlarm"), "PublishOutbox"),
        (rules.alarms_reach_the_operator, set_to("JobsAgeAlarm.AlarmActions", None), "JobsAgeAlarm"),
        (rules.alarms_reach_the_operator, set_to("JobsAgeAlarm.OKActions", []), "JobsAgeAlarm"),
        (
            rules.tables_can_be_restored_and_forget,
            set_to("Table.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", None),
            "PointInTimeRecovery",
        ),
        (rules.tables_can_be_restored_and_forget, set_to("Table.TimeToLiveSpecification", None), "TimeToLive"),
        (rules.tables_can_be_restored_and_forget, set_to("Table.SSESpecification", None), "SSE"),
        (rules.buckets_are_closed, set_to(OPEN, {"BlockPublicAcls": True}), "public"),
        (rules.buckets_are_closed, set_to(f"{OPEN}.BlockPublicPolicy", None), "public"),
        (rules.buckets_are_closed, set_to("Objects.OwnershipControls", None), "owners"),
        (rules.buckets_are_closed, set_to("Objects.BucketEncryption", None), "encrypts"),
        (rules.buckets_are_closed, without("ObjectsPolicy"), "TLS"),
        (
            rules.buckets_are_closed,
            set_to("ObjectsPolicy.PolicyDocument.Statement.0.Condition.Bool", {"aws:SecureTransport": "true"}),
            "TLS",
        ),
        (
            rules.buckets_forget_uploads_that_nobody_ended,
            set_to("Objects.LifecycleConfiguration", None),
            "Objects keeps",
        ),
    ],
)
def test_each_rule_finds_what_breaks_it(
    good: Template, rule: Callable[[Template], list[str]], mutate: Mutation, complaint: str
) -> None:
    broken = copy.deepcopy(good)
    mutate(broken["Resources"])

    assert any(complaint in found for found in rule(broken))


def test_every_rule_is_broken_by_some_case_above() -> None:
    (mark,) = test_each_rule_finds_what_breaks_it.pytestmark  # type: ignore[attr-defined]  # set by parametrize
    assert {case[0] for case in mark.args[1]} == set(RULES)


def test_a_function_may_be_attached_to_a_vpc_which_nobody_can_narrow(good: Template) -> None:
    template = copy.deepcopy(good)
    statement = {"Effect": "Allow", "Action": ["ec2:CreateNetworkInterface"], "Resource": "*"}
    set_to(FIRST_STATEMENT[:-2], [statement])(template["Resources"])

    assert rules.policies_name_what_they_allow(template) == []


def test_a_schedule_needs_no_dead_letter_queue(good: Template) -> None:
    schedules = [rule for rule in rules.resources(good, "AWS::Events::Rule").values() if "ScheduleExpression" in rule]

    assert len(schedules) == 1
    assert "DeadLetterConfig" not in schedules[0]["Targets"][0]


def test_the_example_of_a_subscriber_keeps_to_the_rules_for_queues_and_events() -> None:
    path = Repository.here().root / "docs" / "events" / "example" / "template.json"
    example = json.loads(path.read_text())

    assert rules.queues_have_a_dead_letter_queue(example) == []
    assert rules.rules_retry_and_bury_the_rest(example) == []
    assert rules.rules_wait_for_events_that_are_told(example) == []
