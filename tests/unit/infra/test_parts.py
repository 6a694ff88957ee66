"""The parts that services' templates are made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cloudformation import parts
from infra.cloudformation.merge import merge
from infra.packaging.errors import MergeError

QUEUES = {
    "Events": {"Function": "OnEvents", "From": {"kv.auth": ["AccountDeleted", "ApiKeyUsed"], "kv.kv": ["ApiKeyUsed"]}},
    "Webhooks": {"Function": "OnWebhooks"},
}


FILTER = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"state": {"S": ["open"]}}}}


def names(fragment: dict[str, Any], kind: str) -> set[str]:
    return {name for name, resource in fragment["Resources"].items() if resource.get("Type") == kind}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"table": {}}, {"Table"}),
        ({"session": {}}, {"APIHandler"}),
        ({"buckets": ["Objects"]}, {"Objects", "ObjectsPolicy"}),
        ({"publisher": {}}, {"PublishOutbox", "OutboxDlq", "OutboxDlqAlarm", "OutboxAgeAlarm"}),
        (
            {"queues": {"Events": QUEUES["Events"]}},
            {
                "OnEvents",
                "EventsQueue",
                "EventsDlq",
                "EventsDlqAlarm",
                "EventsAgeAlarm",
                "EventsRule",
                "EventsQueuePolicy",
            },
        ),
        (
            {"queues": {"Webhooks": QUEUES["Webhooks"]}},
            {"OnWebhooks", "WebhooksQueue", "WebhooksDlq", "WebhooksDlqAlarm", "WebhooksAgeAlarm"},
        ),
    ],
    ids=["table", "session", "bucket", "publisher", "queue from the bus", "queue of its own"],
)
def test_a_part_brings_what_it_says_and_leaves_no_blank(part: dict[str, Any], expected: set[str]) -> None:
    fragment = parts.expand(part, "usage")

    assert set(fragment["Resources"]) == expected
    assert "@" not in str(fragment)


def test_no_parts_are_nothing() -> None:
    assert parts.expand({}, "usage") == {}


def test_an_unknown_part_is_named_together_with_those_there_are() -> None:
    with pytest.raises(
        MergeError, match=r"asks for tabel; there are table, session, publisher, redis, buckets, queues, streams"
    ):
        parts.expand({"tabel": {}, "table": {}}, "usage")


def test_queues_are_named_after_the_stage_the_service_and_what_they_are_for() -> None:
    resources = parts.expand({"publisher": {}, "queues": QUEUES}, "usage")["Resources"]

    assert {
        name: resource["Properties"]["QueueName"]["Fn::Sub"]
        for name, resource in resources.items()
        if resource.get("Type") == "AWS::SQS::Queue"
    } == {
        "EventsQueue": "kv-${Stage}-usage-events",
        "EventsDlq": "kv-${Stage}-usage-events-dlq",
        "WebhooksQueue": "kv-${Stage}-usage-webhooks",
        "WebhooksDlq": "kv-${Stage}-usage-webhooks-dlq",
        "OutboxDlq": "kv-${Stage}-usage-outbox-dlq",
    }


def test_each_of_several_queues_has_its_own_dead_letters_alarms_and_function() -> None:
    fragment = parts.expand({"queues": QUEUES}, "usage")
    resources = fragment["Resources"]

    assert names(fragment, "AWS::SQS::Queue") == {"EventsQueue", "EventsDlq", "WebhooksQueue", "WebhooksDlq"}
    for queue, function in (("Events", "OnEvents"), ("Webhooks", "OnWebhooks")):
        redrive = resources[f"{queue}Queue"]["Properties"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{queue}Dlq", "Arn"]}
        source = resources[function]["Properties"]["Events"][f"{function}SqsEventSource"]
        assert source == {"Properties": {"FunctionResponseTypes": ["ReportBatchItemFailures"]}}
        for alarm, watched in ((f"{queue}DlqAlarm", f"{queue}Dlq"), (f"{queue}AgeAlarm", f"{queue}Queue")):
            (dimension,) = resources[alarm]["Properties"]["Dimensions"]
            assert dimension["Value"] == {"Fn::GetAtt": [watched, "QueueName"]}


def test_a_rule_asks_for_each_event_once_from_every_source_named() -> None:
    resources = parts.expand({"queues": QUEUES}, "usage")["Resources"]

    assert resources["EventsRule"]["Properties"]["EventPattern"] == {
        "source": ["kv.auth", "kv.kv"],
        "detail-type": ["AccountDeleted", "ApiKeyUsed"],
    }


def test_only_the_rule_may_send_to_the_queue_and_its_dead_letters() -> None:
    policy = parts.expand({"queues": QUEUES}, "usage")["Resources"]["EventsQueuePolicy"]["Properties"]

    assert policy["Queues"] == [{"Ref": "EventsQueue"}, {"Ref": "EventsDlq"}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["EventsRule", "Arn"]}}}


def test_what_the_service_says_itself_wins_over_the_part() -> None:
    fragment = parts.expand({"queues": QUEUES, "table": {}}, "usage")
    own = {
        "Resources": {
            "EventsQueue": {"Properties": {"VisibilityTimeout": 900}},
            "Table": {"Properties": {"GlobalSecondaryIndexes": [{"IndexName": "list"}]}},
        }
    }

    resources = merge(fragment, own)["Resources"]

    assert resources["EventsQueue"]["Properties"]["VisibilityTimeout"] == 900
    assert resources["EventsQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert resources["Table"]["Properties"]["GlobalSecondaryIndexes"] == [{"IndexName": "list"}]
    assert resources["Table"]["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_function_that_the_service_does_not_have_is_an_error_that_names_it() -> None:
    with pytest.raises(MergeError, match="'OnEvents'"):
        merge({"Resources": {"APIHandler": {"Type": "X"}}}, parts.expand({"queues": QUEUES}, "usage"))


def test_a_stream_part_feeds_its_function_with_what_passes_the_filter_and_reports_what_fails() -> None:
    fragment = parts.expand({"streams": {"Open": {"Function": "TakeOpen", "Filter": FILTER}}}, "shop")

    resources = fragment["Resources"]
    source = resources["TakeOpen"]["Properties"]["Events"]["TakeOpenDynamodbEventSource"]["Properties"]
    assert [json.loads(one["Pattern"]) for one in source["FilterCriteria"]["Filters"]] == [FILTER]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["OpenDlq", "Arn"]}
    assert resources["OpenDlq"]["Properties"]["QueueName"] == {"Fn::Sub": "kv-${Stage}-shop-open-dlq"}
    assert {"OpenDlqAlarm", "OpenAgeAlarm"} <= set(resources)
    assert "@" not in json.dumps(fragment)
