"""The parts of a template that services ask for by name."""

from __future__ import annotations

import json

import pytest

from infra.packaging.errors import MergeError
from infra.packaging.parts import expand

FILTER = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"state": {"S": ["open"]}}}}


def test_a_stream_part_feeds_its_function_with_what_passes_the_filter_and_reports_what_fails() -> None:
    fragment = expand({"streams": {"Open": {"Function": "TakeOpen", "Filter": FILTER}}}, "shop")

    resources = fragment["Resources"]
    source = resources["TakeOpen"]["Properties"]["Events"]["TakeOpenDynamodbEventSource"]["Properties"]
    assert [json.loads(one["Pattern"]) for one in source["FilterCriteria"]["Filters"]] == [FILTER]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["OpenDlq", "Arn"]}
    assert resources["OpenDlq"]["Properties"]["QueueName"] == {"Fn::Sub": "kv-${Stage}-shop-open-dlq"}
    assert {"OpenDlqAlarm", "OpenAgeAlarm"} <= set(resources)
    assert "@" not in json.dumps(fragment)


def test_a_part_there_is_none_of_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(MergeError, match=r"shelf; there are table, session, publisher, queues, streams"):
        expand({"shelf": {}}, "shop")
