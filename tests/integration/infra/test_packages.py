"""The packages of every service, as they are deployed, for both architectures."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from infra.packaging import build_cache
from infra.packaging.architecture import Architecture
from infra.packaging.build import make
from infra.packaging.package import Package
from infra.repository import PLATFORM_STACKS, Repository
from tests.support.template_rules import RULES, Template, resources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.repository import Service

REPOSITORY = Repository.here()
SERVICES = REPOSITORY.services()


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
    return build_cache.build(REPOSITORY, service, architecture)


@pytest.fixture
def template(package: Package) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(package.template.read_text())
    return loaded


def test_every_function_is_for_the_architecture_asked_for(template: dict[str, Any], architecture: Architecture) -> None:
    functions = resources(template, "AWS::Lambda::Function")

    assert functions
    assert {tuple(function["Architectures"]) for function in functions.values()} == {(architecture.value,)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_keeps_to_the_rules(template: Template, rule: Callable[[Template], list[str]]) -> None:
    assert rule(template) == []


def test_every_route_reaches_the_shared_http_api(template: dict[str, Any]) -> None:
    for route in resources(template, "AWS::ApiGatewayV2::Route").values():
        assert route["ApiId"] == {"Fn::ImportValue": {"Fn::Sub": "kv-${Stage}-http-api-id"}}


def test_the_zip_stays_small_and_holds_one_service(package: Package, service: Service) -> None:
    with zipfile.ZipFile(package.code) as packed:
        folders = {name.split("/")[0] for name in packed.namelist()}

    assert {name for name in folders if name.endswith("_service")} == {f"{service.name}_service"}
    assert {"kv_common", "app.py"} <= folders
    assert package.code.stat().st_size < 12_000_000


def test_the_zip_holds_libraries_in_compiled_form_only(package: Package, service: Service) -> None:
    with zipfile.ZipFile(package.code) as packed:
        sources = {name.split("/")[0] for name in packed.namelist() if name.endswith(".py")}

    assert sources == {"app.py", "kv_common", f"{service.name}_service", "chalice"}


def test_the_templates_route_what_the_openapi_document_describes_and_each_to_one_service() -> None:
    owners: dict[str, str] = {}
    for service in SERVICES:
        package = build_cache.build(REPOSITORY, service, Architecture.of_host())
        for route in resources(json.loads(package.template.read_text()), "AWS::ApiGatewayV2::Route").values():
            key = route["RouteKey"]
            assert key not in owners, f"{key} belongs to {owners.get(key)} and to {service.name}"
            owners[key] = service.name

    document = json.loads((REPOSITORY.root / "docs" / "openapi.json").read_text())
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert set(owners) == {*described, "$default"}


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    service = SERVICES[0]
    first = build_cache.build(REPOSITORY, service, Architecture.of_host())
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


def test_browsers_may_call_from_the_configured_origins_and_from_nowhere_else() -> None:
    # The emulator does not apply what CloudFormation says of CORS, so this is as far as it can be tested here.
    template = json.loads(REPOSITORY.platform_template("gateway").read_text())
    cors = template["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == {"Ref": "AllowedOrigins"}
    assert "Default" not in template["Parameters"]["AllowedOrigins"]
    assert not {"*"} & {*cors["AllowMethods"], *cors["AllowHeaders"]}
    assert cors.get("AllowCredentials", False) is False
    assert {"ratelimit", "x-quota-remaining", "etag", "x-correlation-id"} <= set(cors["ExposeHeaders"])


def test_the_gateway_logs_nothing_unless_a_stage_asks_for_it() -> None:
    template = json.loads(REPOSITORY.platform_template("gateway").read_text())

    assert template["Parameters"]["AccessLog"]["Default"] == "off"
    assert template["Conditions"]["HasAccessLog"] == {"Fn::Equals": [{"Ref": "AccessLog"}, "on"]}
    assert template["Resources"]["AccessLogGroup"]["Condition"] == "HasAccessLog"
    condition, settings, otherwise = template["Resources"]["DefaultStage"]["Properties"]["AccessLogSettings"]["Fn::If"]
    assert (condition, otherwise) == ("HasAccessLog", {"Ref": "AWS::NoValue"})
    assert settings["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}
    assert "$context.identity.sourceIp" in settings["Format"]
