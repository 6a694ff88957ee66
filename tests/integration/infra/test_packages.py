"""The packages of every service, as they are deployed, for both architectures."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from infra.packaging import pipeline
from infra.packaging.architecture import Architecture
from infra.packaging.making import make
from infra.packaging.package import Package
from infra.repository import PLATFORM_STACKS, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.repository import Service

REPOSITORY = Repository.here()
SERVICES = REPOSITORY.services()
#: The only actions that AWS lets nobody narrow: attaching a function to a VPC.
UNNARROWABLE = {"ec2:"}


@pytest.fixture(params=list(Architecture), ids=str)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    chosen: Architecture = request.param
    return chosen


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    chosen: Service = request.param
    return chosen


@pytest.fixture
def package(service: Service, architecture: Architecture) -> Package:
    """Building lints the template and imports every handler: a package that exists has passed both."""
    return pipeline.build(REPOSITORY, service, architecture)


@pytest.fixture
def template(package: Package) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(package.template.read_text())
    return loaded


def resources(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items() if resource["Type"] == kind
    }


def statements(node: object) -> Iterator[dict[str, Any]]:
    """Every IAM statement of a document, also those behind a condition."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield node
        for member in node.values():
            yield from statements(member)
    elif isinstance(node, list):
        for member in node:
            yield from statements(member)


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def on_aws(resource: object) -> list[object]:
    """The resources of a statement; for the emulator, which knows none of some actions, it may be any."""
    match resource:
        case {"Fn::If": ["IsEmulated", "*", named]}:
            return as_list(named)
    return as_list(resource)


def test_every_function_is_for_the_architecture_asked_for(template: dict[str, Any], architecture: Architecture) -> None:
    functions = resources(template, "AWS::Lambda::Function")

    assert functions
    assert {tuple(function["Architectures"]) for function in functions.values()} == {(architecture.value,)}


def test_no_policy_allows_more_than_it_names(template: dict[str, Any]) -> None:
    for role in resources(template, "AWS::IAM::Role").values():
        for statement in statements(role["Policies"]):
            actions = [str(action) for action in as_list(statement["Action"])]
            assert not [action for action in actions if "*" in action]
            if not all(action.startswith(tuple(UNNARROWABLE)) for action in actions):
                assert "*" not in on_aws(statement["Resource"])


def test_functions_share_no_role(template: dict[str, Any]) -> None:
    roles = [json.dumps(function["Role"]) for function in resources(template, "AWS::Lambda::Function").values()]

    assert len(roles) == len(set(roles))


def test_a_queue_consumer_reports_which_messages_failed(template: dict[str, Any]) -> None:
    for name, mapping in resources(template, "AWS::Lambda::EventSourceMapping").items():
        assert mapping.get("FunctionResponseTypes") == ["ReportBatchItemFailures"], name


def test_every_route_reaches_the_shared_http_api(template: dict[str, Any]) -> None:
    for route in resources(template, "AWS::ApiGatewayV2::Route").values():
        assert route["ApiId"] == {"Fn::ImportValue": {"Fn::Sub": "kv-${Stage}-http-api-id"}}


def test_the_zip_stays_small_and_holds_one_service(package: Package, service: Service) -> None:
    with zipfile.ZipFile(package.code) as packed:
        folders = {name.split("/")[0] for name in packed.namelist()}

    assert {name for name in folders if name.endswith("_service")} == {f"{service.name}_service"}
    assert {"kv_common", "app.py"} <= folders
    assert package.code.stat().st_size < 15_000_000


def test_no_two_services_claim_the_same_route() -> None:
    owners: dict[str, str] = {}
    for service in SERVICES:
        package = pipeline.build(REPOSITORY, service, Architecture.of_host())
        for route in resources(json.loads(package.template.read_text()), "AWS::ApiGatewayV2::Route").values():
            key = route["RouteKey"]
            assert key not in owners, f"{key} belongs to {owners.get(key)} and to {service.name}"
            owners[key] = service.name


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    service = SERVICES[0]
    first = pipeline.build(REPOSITORY, service, Architecture.of_host())
    again = Package(service.name, tmp_path / "again")
    again.folder.mkdir()

    make(REPOSITORY, service, Architecture.of_host(), again, tmp_path / "work")

    assert again.code.read_bytes() == first.code.read_bytes()
    assert again.template.read_text() == first.template.read_text()


@pytest.mark.parametrize("name", PLATFORM_STACKS)
def test_exports_of_the_platform_carry_the_stage(name: str) -> None:
    template = json.loads(REPOSITORY.platform_template(name).read_text())

    for output in template["Outputs"].values():
        assert output["Export"]["Name"]["Fn::Sub"].startswith("kv-${Stage}-")


def test_a_queue_gives_its_consumer_time_and_buries_what_fails(template: dict[str, Any]) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    functions = resources(template, "AWS::Lambda::Function")
    for mapping in resources(template, "AWS::Lambda::EventSourceMapping").values():
        source = str(mapping["EventSourceArn"]["Fn::GetAtt"][0])
        if source not in queues:
            continue
        timeout = functions[mapping["FunctionName"]["Ref"]]["Timeout"]
        assert queues[source]["VisibilityTimeout"] >= 6 * timeout
        redrive = queues[source]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] >= 5
        buried = queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        assert buried["MessageRetentionPeriod"] > queues[source]["MessageRetentionPeriod"]


def test_a_stream_is_never_blocked_for_ever(template: dict[str, Any]) -> None:
    for mapping in resources(template, "AWS::Lambda::EventSourceMapping").values():
        if mapping["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn":
            assert mapping["MaximumRetryAttempts"] > 0
            assert mapping["MaximumRecordAgeInSeconds"] > 0
            assert mapping["BisectBatchOnFunctionError"] is True
            assert mapping["DestinationConfig"]["OnFailure"]["Destination"]


def test_a_rule_retries_as_long_as_it_says_and_buries_the_rest(template: dict[str, Any]) -> None:
    for rule in resources(template, "AWS::Events::Rule").values():
        for target in rule["Targets"]:
            if "ScheduleExpression" not in rule:
                assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
                assert target["DeadLetterConfig"]["Arn"]


def test_every_dead_letter_queue_has_an_alarm(template: dict[str, Any]) -> None:
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "QueueName"
    }
    assert {name for name in resources(template, "AWS::SQS::Queue") if name.endswith("Dlq")} <= watched


def test_every_table_can_be_restored_and_forgets_what_has_expired(template: dict[str, Any]) -> None:
    for table in resources(template, "AWS::DynamoDB::Table").values():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
        assert table["SSESpecification"] == {"SSEEnabled": True}


def test_browsers_may_call_from_the_configured_origins_and_from_nowhere_else() -> None:
    # The emulator does not apply what CloudFormation says of CORS, so this is as far as it can be tested here.
    template = json.loads(REPOSITORY.platform_template("gateway").read_text())
    cors = template["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == {"Ref": "AllowedOrigins"}
    assert "Default" not in template["Parameters"]["AllowedOrigins"]
    assert not {"*"} & {*cors["AllowMethods"], *cors["AllowHeaders"]}
    assert cors.get("AllowCredentials", False) is False
    assert {"ratelimit", "x-quota-remaining", "etag", "x-correlation-id"} <= set(cors["ExposeHeaders"])
