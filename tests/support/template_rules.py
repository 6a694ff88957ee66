"""Rules for every finished template; each is a function that returns its violations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kv_common.events.contracts import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Template = dict[str, Any]

#: The only actions that AWS does not allow to be restricted: attaching a function to a VPC.
_UNNARROWABLE = ("ec2:",)


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of one type, by logical id."""
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == kind
    }


def _queues(template: Template) -> dict[str, dict[str, Any]]:
    return resources(template, "AWS::SQS::Queue")


def _mappings(template: Template, attribute: str) -> dict[str, dict[str, Any]]:
    """Return the event source mappings of queues (`Arn`) or of streams (`StreamArn`)."""
    return {
        name: mapping
        for name, mapping in resources(template, "AWS::Lambda::EventSourceMapping").items()
        if mapping["EventSourceArn"]["Fn::GetAtt"][1] == attribute
    }


def _targets(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the targets of event rules."""
    for name, rule in resources(template, "AWS::Events::Rule").items():
        if "ScheduleExpression" not in rule:
            yield from ((name, target) for target in rule["Targets"])


def _named(value: Any) -> str | None:
    """Return the logical id of the resource that a value refers to, if it is one of this template."""
    if isinstance(value, dict):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            return str(value["Fn::GetAtt"][0])
    return None


def dead_letter_queues(template: Template) -> set[str | None]:
    """Return every dead-letter queue."""
    dead_letters = [queue.get("RedrivePolicy", {}).get("deadLetterTargetArn") for queue in _queues(template).values()]
    dead_letters += [
        mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        for mapping in _mappings(template, "StreamArn").values()
    ]
    dead_letters += [target.get("DeadLetterConfig", {}).get("Arn") for _, target in _targets(template)]
    return {_named(arn) for arn in dead_letters} - {None}


def _alarms_on(template: Template, metric: str, dimension: str) -> set[str | None]:
    return {
        _named(given["Value"])
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
        for given in alarm["Dimensions"]
        if alarm["MetricName"] == metric and given["Name"] == dimension
    }


def _statements(node: object) -> Iterator[dict[str, Any]]:
    """Yield every IAM statement of a document, also those behind a condition."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield node
        for member in node.values():
            yield from _statements(member)
    elif isinstance(node, list):
        for member in node:
            yield from _statements(member)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _on_aws(resource: object) -> list[object]:
    """Return what a statement names, in each case; only for the emulator, which knows some names not, it may be any."""
    match resource:
        case {"Fn::If": ["IsEmulated", "*", named]}:
            return _on_aws(named)
        case {"Fn::If": [_, one, other]}:
            return [*_on_aws(one), *_on_aws(other)]
    return _as_list(resource)


def policies_name_what_they_allow(template: Template) -> list[str]:
    broken = []
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in _statements(role["Policies"]):
            actions = [str(action) for action in _as_list(statement["Action"])]
            broken += [f"{name} allows {action}" for action in actions if "*" in action]
            if not all(action.startswith(_UNNARROWABLE) for action in actions):
                broken += [f"{name} allows {actions} on *" for one in _on_aws(statement["Resource"]) if one == "*"]
    return broken


def functions_have_roles_of_their_own(template: Template) -> list[str]:
    roles = [json.dumps(function["Role"]) for function in resources(template, "AWS::Lambda::Function").values()]
    return [f"{role} belongs to several functions" for role in sorted(set(roles)) if roles.count(role) > 1]


def functions_log_what_the_stage_asks_for(template: Template) -> list[str]:
    """Without the JSON format, Lambda does not filter by level and writes three lines per invocation."""
    groups = resources(template, "AWS::Logs::LogGroup")
    levels = {name: {"Ref": name} for name in ("SystemLogLevel", "ApplicationLogLevel")}
    broken = []
    for name, function in resources(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        if _named(logging.get("LogGroup")) not in groups:
            broken.append(f"{name} has no log group of this template")
        if logging.get("LogFormat") != "JSON":
            broken.append(f"{name} does not log in JSON")
        broken += [f"{name} does not take {level}" for level, taken in levels.items() if logging.get(level) != taken]
    return broken


def consumers_report_which_messages_failed(template: Template) -> list[str]:
    mappings = {**_mappings(template, "Arn"), **_mappings(template, "StreamArn")}
    return [
        f"{name} does not report batch item failures"
        for name, mapping in mappings.items()
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]
    ]


def queues_have_a_dead_letter_queue(template: Template) -> list[str]:
    queues, dead = _queues(template), dead_letter_queues(template)
    broken = []
    for name, queue in queues.items():
        if name in dead:
            continue
        redrive = queue.get("RedrivePolicy", {})
        dead_letters = queues.get(_named(redrive.get("deadLetterTargetArn")) or "")
        if dead_letters is None:
            broken.append(f"{name} has no dead-letter queue")
        elif redrive["maxReceiveCount"] < 5:
            broken.append(f"{name} gives up after {redrive['maxReceiveCount']} times")
        elif dead_letters.get("MessageRetentionPeriod", 345_600) <= queue.get("MessageRetentionPeriod", 345_600):
            broken.append(f"{name} keeps messages as long as its dead-letter queue")
    return broken


def queues_give_their_consumers_time(template: Template) -> list[str]:
    queues, functions = _queues(template), resources(template, "AWS::Lambda::Function")
    broken = []
    for name, mapping in _mappings(template, "Arn").items():
        queue = queues.get(_named(mapping["EventSourceArn"]) or "")
        timeout = functions[_named(mapping["FunctionName"]) or ""]["Timeout"]
        if queue is None:
            broken.append(f"{name} reads a queue of another stack")
        elif queue.get("VisibilityTimeout", 30) < 6 * timeout:
            broken.append(f"{name}: visibility is less than six times the function's {timeout} s")
    return broken


def streams_are_never_blocked_for_ever(template: Template) -> list[str]:
    broken = []
    for name, mapping in _mappings(template, "StreamArn").items():
        # -1 is AWS's default: for ever, while everything behind it waits.
        limits = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")
        broken += [f"{name} has no {limit}" for limit in limits if mapping.get(limit, -1) < 0]
        if mapping.get("BisectBatchOnFunctionError") is not True:
            broken.append(f"{name} does not bisect a batch that fails")
        if not mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            broken.append(f"{name} drops what it could not do")
    return broken


def rules_retry_and_bury_the_rest(template: Template) -> list[str]:
    broken = []
    for name, target in _targets(template):
        if {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"} - set(target.get("RetryPolicy", {})):
            broken.append(f"{name} leaves to EventBridge how often it tries")
        if _named(target.get("DeadLetterConfig", {}).get("Arn")) not in _queues(template):
            broken.append(f"{name} drops what it could not deliver")
    return broken


def rules_wait_for_events_that_are_told(template: Template) -> list[str]:
    """A rule for an event that its source never publishes would never match, without an error."""
    broken = []
    for name, rule in resources(template, "AWS::Events::Rule").items():
        pattern = rule.get("EventPattern", {})
        if not any(source.startswith("kv.") for source in pattern.get("source", [])):
            continue  # AWS' own events, which are none of the catalog's
        for event in pattern.get("detail-type", []):
            if event not in CATALOG:
                broken.append(f"{name} waits for {event}, which does not exist")
            elif f"kv.{CATALOG[event].PRODUCER}" not in pattern["source"]:
                broken.append(f"{name} waits for {event} from {pattern['source']}")
    return broken


def dead_letter_queues_have_alarms(template: Template) -> list[str]:
    watched = _alarms_on(template, "ApproximateNumberOfMessagesVisible", "QueueName")
    return [f"{name} has no alarm" for name in dead_letter_queues(template) - watched]


def queues_have_alarms_on_age(template: Template) -> list[str]:
    watched = _alarms_on(template, "ApproximateAgeOfOldestMessage", "QueueName") | dead_letter_queues(template)
    return [f"nobody hears of what waits in {name}" for name in set(_queues(template)) - watched]


def streams_have_alarms_on_age(template: Template) -> list[str]:
    readers = {_named(mapping["FunctionName"]) for mapping in _mappings(template, "StreamArn").values()}
    watched = _alarms_on(template, "IteratorAge", "FunctionName")
    return [f"nobody hears of what waits for {name}" for name in readers - watched]


def alarms_reach_the_operator(template: Template) -> list[str]:
    action = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    return [
        f"{name} notifies nobody"
        for name, alarm in resources(template, "AWS::CloudWatch::Alarm").items()
        if alarm.get("AlarmActions") != action or alarm.get("OKActions") != action
    ]


def tables_can_be_restored_and_forget(template: Template) -> list[str]:
    wanted = {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    return [
        f"{name} has no {setting}"
        for name, table in resources(template, "AWS::DynamoDB::Table").items()
        for setting, value in wanted.items()
        if table.get(setting) != value
    ]


def buckets_are_closed(template: Template) -> list[str]:
    broken = []
    policies = {_named(policy["Bucket"]): policy for policy in resources(template, "AWS::S3::BucketPolicy").values()}
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        blocked = bucket.get("PublicAccessBlockConfiguration", {})
        if len(blocked) < 4 or not all(blocked.values()):
            broken.append(f"{name} can be opened to the public")
        owners = [rule["ObjectOwnership"] for rule in bucket.get("OwnershipControls", {}).get("Rules", [])]
        if owners != ["BucketOwnerEnforced"]:
            broken.append(f"{name} lets objects have owners of their own")
        if "BucketEncryption" not in bucket:
            broken.append(f"{name} does not say how it encrypts")
        statements = policies.get(name, {}).get("PolicyDocument", {}).get("Statement", [])
        if not any(_refuses_plain_http(statement) for statement in statements):
            broken.append(f"{name} can be read without TLS")
    return broken


def _refuses_plain_http(statement: dict[str, Any]) -> bool:
    return (
        (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        and len(statement["Resource"]) == 2
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    )


def buckets_forget_uploads_that_nobody_ended(template: Template) -> list[str]:
    return [
        f"{name} keeps unfinished uploads for ever"
        for name, bucket in resources(template, "AWS::S3::Bucket").items()
        if not any(
            "AbortIncompleteMultipartUpload" in rule
            for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        )
    ]


RULES: tuple[Callable[[Template], list[str]], ...] = (
    policies_name_what_they_allow,
    functions_have_roles_of_their_own,
    functions_log_what_the_stage_asks_for,
    consumers_report_which_messages_failed,
    queues_have_a_dead_letter_queue,
    queues_give_their_consumers_time,
    streams_are_never_blocked_for_ever,
    rules_retry_and_bury_the_rest,
    rules_wait_for_events_that_are_told,
    dead_letter_queues_have_alarms,
    queues_have_alarms_on_age,
    streams_have_alarms_on_age,
    alarms_reach_the_operator,
    tables_can_be_restored_and_forget,
    buckets_are_closed,
    buckets_forget_uploads_that_nobody_ended,
)
