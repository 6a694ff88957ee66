"""Stacks, against the emulator's CloudFormation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.deploy.cloud import Cloud
from infra.deploy.errors import DeploymentError
from infra.deploy.stack import Stack, TemplateSource
from infra.local.emulator import REGION
from infra.local.environment import LocalEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with LocalEnvironment(tmp_path_factory.mktemp("stacks")) as environment:
        yield Cloud.emulator(environment.aws_endpoint, REGION)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def stack(cloud: Cloud, lines: list[str], request: pytest.FixtureRequest) -> Stack:
    name = request.node.name.replace("_", "-")[:100]
    return Stack(cloud.cloudformation, name, lines.append, interval=0.02)


def source(resources: dict[str, Any]) -> TemplateSource:
    template = {"Resources": resources, "Outputs": {"Answer": {"Value": "42"}}}
    return TemplateSource(body=json.dumps(template))


def queue(name: str, timeout: int = 30) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, "VisibilityTimeout": timeout}}


#: CloudFormation makes no secret parameters, neither in AWS nor here. (Much else that AWS refuses is made here.)
BROKEN = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "SecureString", "Value": "x"}}


def test_it_says_what_will_change_and_what_came_out(stack: Stack, lines: list[str]) -> None:
    assert stack.deploy(source({"Queue": queue("q-created")}), {}, {"kv:stage": "test"})

    assert stack.status() == "CREATE_COMPLETE"
    assert stack.outputs() == {"Answer": "42"}
    assert any("+ add" in line and "Queue (AWS::SQS::Queue)" in line for line in lines)


def test_an_update_shows_what_is_added_modified_and_removed(stack: Stack, lines: list[str]) -> None:
    stack.deploy(source({"Kept": queue("q-kept"), "Dropped": queue("q-dropped")}), {}, {})
    lines.clear()

    stack.deploy(source({"Kept": queue("q-kept", 60), "Added": queue("q-added")}), {}, {})

    changes = "\n".join(lines)
    assert "~ modify Kept" in changes
    assert "- remove Dropped" in changes
    assert "+ add    Added" in changes


def test_nothing_to_change_is_success(stack: Stack, lines: list[str]) -> None:
    template = source({"Queue": queue("q-same")})
    stack.deploy(template, {}, {})

    assert not stack.deploy(template, {}, {})

    assert lines[-1].endswith("no changes")
    assert stack.status() == "CREATE_COMPLETE"


def test_a_failure_names_the_resource_and_its_reason(stack: Stack) -> None:
    with pytest.raises(DeploymentError, match=r"(?s)Broken \(AWS::SSM::Parameter\): .*SecureString"):
        stack.deploy(source({"Queue": queue("q-beside"), "Broken": BROKEN}), {}, {})


def test_what_a_failed_creation_left_is_removed_before_the_next_try(stack: Stack, lines: list[str]) -> None:
    with pytest.raises(DeploymentError):
        stack.deploy(source({"Broken": BROKEN}), {}, {})

    assert stack.deploy(source({"Queue": queue("q-second-try")}), {}, {})

    assert any("remains of a failed creation (ROLLBACK_COMPLETE)" in line for line in lines)
    assert stack.status() == "CREATE_COMPLETE"


def test_a_change_set_that_was_never_executed_does_not_stand_in_the_way(cloud: Cloud, stack: Stack) -> None:
    cloud.cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName="abandoned",
        ChangeSetType="CREATE",
        TemplateBody=source({"Queue": queue("q-abandoned")}).body or "",
    )
    assert stack.status() == "REVIEW_IN_PROGRESS"

    assert stack.deploy(source({"Queue": queue("q-after-abandoned")}), {}, {})


def test_a_deleted_stack_is_gone_and_deleting_it_again_is_nothing(stack: Stack) -> None:
    stack.deploy(source({"Queue": queue("q-deleted")}), {}, {})

    stack.delete()
    stack.delete()

    assert stack.status() is None
    assert stack.outputs() == {}
