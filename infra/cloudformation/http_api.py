"""The service's part of the shared HTTP API, in place of the REST API that Chalice describes."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from infra.packaging.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.cloudformation.merge import Template

#: The function that Chalice makes for all routes of an app.
ROUTES_FUNCTION = "APIHandler"
#: The HTTP API belongs to the platform stack `gateway`.
API_ID = {"Fn::ImportValue": {"Fn::Sub": "kv-${Stage}-http-api-id"}}
_REST_API = "RestAPI"
_METHODS = {"get", "head", "post", "put", "patch", "delete", "options"}


def replace_rest_api(template: Template, extra_routes: Iterable[str] = ()) -> Template:
    """The template with an HTTP API integration and one route per method and path instead of the REST API.

    A service without routes has none of it. `extra_routes` are route keys of the same function that no Chalice route
    describes, such as `$default`.
    """
    resources: dict[str, Any] = template["Resources"]
    rest_api = resources.get(_REST_API)
    extra_routes = list(extra_routes)
    if rest_api is None:
        if extra_routes:
            raise BuildError(f"Metadata.ExtraRoutes asks for {extra_routes}, but the app has no route at all.")
        return template
    keys = [*route_keys(rest_api["Properties"]["DefinitionBody"]), *extra_routes]
    kept = {name: value for name, value in resources.items() if name != _REST_API and not _mentions(value, _REST_API)}
    outputs = {name: value for name, value in template.get("Outputs", {}).items() if not _mentions(value, _REST_API)}
    return {
        **template,
        "Resources": {**kept, "HttpIntegration": _integration(), "HttpPermission": _permission(), **_routes(keys)},
        "Outputs": outputs,
    }


def route_keys(definition: dict[str, Any]) -> list[str]:
    """The route keys ("GET /v1/…") of a Swagger document, sorted."""
    return sorted(
        f"{method.upper()} {path}"
        for path, operations in definition["paths"].items()
        for method, operation in operations.items()
        # Preflight answers are mocks in Chalice's document; the HTTP API answers them itself.
        if method in _METHODS and operation["x-amazon-apigateway-integration"]["type"] != "mock"
    )


def route_name(key: str) -> str:
    """The logical id of a route, readable and unique."""
    words = "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", key.capitalize()))
    return f"Route{words}{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def _integration() -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": API_ID,
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::GetAtt": [ROUTES_FUNCTION, "Arn"]},
            "PayloadFormatVersion": "2.0",
        },
    }


def _permission() -> dict[str, Any]:
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApiId}/*"
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": ROUTES_FUNCTION},
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {"Fn::Sub": [arn, {"ApiId": API_ID}]},
        },
    }


def _routes(keys: Iterable[str]) -> dict[str, Any]:
    return {
        route_name(key): {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": API_ID,
                "RouteKey": key,
                "Target": {"Fn::Sub": "integrations/${HttpIntegration}"},
            },
        }
        for key in keys
    }


def _mentions(value: object, name: str) -> bool:
    """Whether a part of a template refers to a resource, in whichever way."""
    if isinstance(value, dict):
        return any(_mentions(key, name) or _mentions(member, name) for key, member in value.items())
    if isinstance(value, list):
        return any(_mentions(member, name) for member in value)
    return isinstance(value, str) and (value == name or f"${{{name}}}" in value or f"${{{name}." in value)
