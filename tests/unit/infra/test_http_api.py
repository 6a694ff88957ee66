"""The HTTP API in place of Chalice's REST API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cloudformation.http_api import replace_rest_api, route_name
from infra.packaging.errors import BuildError


def operation(kind: str = "aws_proxy") -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": {"type": kind}}


def chalice_template() -> dict[str, Any]:
    paths = {
        "/v1/{namespace}/{key}": {"get": operation(), "put": operation(), "options": operation("mock")},
        "/v1/health": {"get": operation()},
    }
    return {
        "Resources": {
            "APIHandler": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "app.app"}},
            "RestAPI": {"Type": "AWS::Serverless::Api", "Properties": {"DefinitionBody": {"paths": paths}}},
            "APIHandlerInvokePermission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {"SourceArn": {"Fn::Sub": ["${RestAPIId}/*", {"RestAPIId": {"Ref": "RestAPI"}}]}},
            },
            "OnEvents": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "app.on_events"}},
        },
        "Outputs": {
            "RestAPIId": {"Value": {"Ref": "RestAPI"}},
            "EndpointURL": {"Value": {"Fn::Sub": "https://${RestAPI}.execute-api"}},
            "APIHandlerName": {"Value": {"Ref": "APIHandler"}},
        },
    }


def routes(template: dict[str, Any]) -> set[str]:
    return {
        resource["Properties"]["RouteKey"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Route"
    }


def test_nothing_of_the_rest_api_remains() -> None:
    template = replace_rest_api(chalice_template())

    assert "RestAPI" not in json.dumps(template)
    assert set(template["Outputs"]) == {"APIHandlerName"}


def test_every_method_and_path_is_one_route_and_preflights_are_none() -> None:
    assert routes(replace_rest_api(chalice_template())) == {
        "GET /v1/health",
        "GET /v1/{namespace}/{key}",
        "PUT /v1/{namespace}/{key}",
    }


def test_extra_routes_go_to_the_same_integration() -> None:
    template = replace_rest_api(chalice_template(), ["$default"])

    assert "$default" in routes(template)
    assert template["Resources"][route_name("$default")]["Properties"]["Target"] == {
        "Fn::Sub": "integrations/${HttpIntegration}"
    }


def test_the_integration_speaks_payload_2_0_and_the_permission_is_for_this_api_only() -> None:
    resources = replace_rest_api(chalice_template())["Resources"]

    assert resources["HttpIntegration"]["Properties"]["PayloadFormatVersion"] == "2.0"
    assert "execute-api" in json.dumps(resources["HttpPermission"]["Properties"]["SourceArn"])


def test_a_service_without_routes_gets_none_of_it() -> None:
    template = chalice_template()
    del template["Resources"]["RestAPI"]
    del template["Resources"]["APIHandlerInvokePermission"]

    assert replace_rest_api(template) == template
    with pytest.raises(BuildError, match="no route at all"):
        replace_rest_api(template, ["$default"])


def test_route_names_are_distinct_although_logical_ids_hold_letters_and_digits_only() -> None:
    names = {route_name(key) for key in ("GET /a/{b}", "GET /a/b", "GET /a-b", "GET /{a}/b")}

    assert len(names) == 4
    assert all(name.isalnum() for name in names)
