"""A service in the test's process, on the environment's tables and Redis, configured like the deployed function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from infra.deploy.cloud import EMULATOR_KEY, EMULATOR_SECRET
from tests.support.tenant import stack_output

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from infra.local.environment import LocalEnvironment
    from kv_common.http import Api


def environment_of(local: LocalEnvironment, service: str) -> dict[str, str]:
    """Return the environment variables of the service's function, with the emulator's root credentials."""
    function = stack_output(local, service, "APIHandlerName")
    configuration = local.aws_client("lambda").get_function_configuration(FunctionName=function)
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    return {
        **variables,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": local.aws_endpoint,
        "AWS_ACCESS_KEY_ID": EMULATOR_KEY,
        "AWS_SECRET_ACCESS_KEY": EMULATOR_SECRET,
    }


def enter(local: LocalEnvironment, service: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set and return the environment variables of the service's function."""
    env = environment_of(local, service)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


def event(
    method: str,
    route: str,
    parameters: Mapping[str, str],
    *,
    headers: Mapping[str, str],
    body: str | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the gateway event of a request (payload format 2.0)."""
    path = route.format(**parameters)
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": dict(headers),
        "pathParameters": dict(parameters),
        "requestContext": {"http": {"method": method, "path": path}, "timeEpoch": 0},
        "isBase64Encoded": False,
    }
    if body is not None:
        made["body"] = body
    return made


def call(app: Api, *arguments: Any, **keywords: Any) -> tuple[int, dict[str, str], Any]:
    """Send a request to the application and return status, headers and decoded body."""
    response = app(event(*arguments, **keywords), None)
    return response["statusCode"], response["headers"], json.loads(response["body"]) if response["body"] else None
