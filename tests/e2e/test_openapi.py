"""Every operation conforms to the served OpenAPI document, tested by schemathesis."""

from __future__ import annotations

import json
import os
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from kv_common.http.routing import RouteTable
from tests.support.alerts import alerts
from tests.support.tenant import Tenant, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from infra.local.environment import LocalEnvironment

    Case = schemathesis.Case[Any]

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "200"))

ROUTES = RouteTable(DOCUMENT["paths"])
VALUES = {"object": '{"a": 1, "b": {"c": [10.00]}}', "number": "7", "text": '"seven"', "array": "[]"}


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with additional fields forbidden in responses: the services must not send any."""
    schemas = document["components"]["schemas"]
    shut = {
        name: {**schema, "additionalProperties": False} if "properties" in schema else schema
        for name, schema in schemas.items()
    }
    return {**document, "components": {**document["components"], "schemas": shut}}


# Its own generator of headers knows letters and digits alone, and none knows Python's notion of printable.
tags = st.from_regex(r'\*|(W/)?"[a-z!~]{0,12}"([ \t]*,[ \t,]*(W/)?"[A-Z0-9]{0,12}"){0,19}', fullmatch=True)
schemathesis.openapi.format("etag-list", tags)
schemathesis.openapi.format("printable", st.text(st.characters(categories=("L", "N", "P", "S"))))
api = schemathesis.openapi.from_dict(closed(DOCUMENT))
api.config.generation.update(with_security_parameters=False)
# It would learn from messages of errors what a parameter may be, and they are written for people.
api.config.phases.fuzzing.error_feedback.is_enabled = False
# A valid request may still conflict with the current state; authentication always succeeds.
api.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "3xx", "404", "409", "412", "413"]


class Harness:
    """An account with at least one of every resource."""

    def __init__(self, local: LocalEnvironment, http: httpx.Client) -> None:
        self._local = local
        self._http = http
        self._tenant = sign_up(local, http, plan="business")
        self._tenant.namespace("app")
        self._key = self._tenant.key()
        # Each of these operations has its own key: one deletes it, another makes it expire.
        of_keys = ("getApiKey", "updateApiKey", "rotateApiKey", "deleteApiKey")
        self._key_ids = {name: self._tenant.new_key()["id"] for name in of_keys}
        for name, value in VALUES.items():
            answer = http.put(f"/v1/app/{name}", content=f'{{"value": {value}}}', headers=self._key)
            assert answer.status_code == 201, answer.text
        export = http.post("/v1/namespaces/app/exports", headers=self._tenant.bearer)
        self._job_id = export.json()["id"]

    @cached_property
    def _leaver(self) -> Tenant:
        """An account that may be deleted."""
        return sign_up(self._local, self._http)

    @cached_property
    def _alert_id(self) -> str:
        made: str = await_value(lambda: alerts(self._tenant), within=30)[0]["id"]
        return made

    def aim(self, case: Case) -> None:
        """Replace most path parameters by those of existing resources."""
        parameters = case.path_parameters
        if not parameters or case.meta is None or case.meta.is_negative_at(ParameterLocation.PATH):
            return
        chance = zlib.crc32(repr(sorted(parameters.items())).encode())
        # The shared namespace must not be deleted.
        if "namespace" in parameters and chance % 8 and operation_id(case) != "deleteNamespace":
            parameters["namespace"] = "app"
        if "key" in parameters and chance % 2:
            parameters["key"] = list(VALUES)[chance % len(VALUES)]
        if "key_id" in parameters and chance % 4:
            parameters["key_id"] = self._key_ids[operation_id(case)]
        if "job" in parameters and chance % 4:
            parameters["job"] = self._job_id
        if "alert_id" in parameters and chance % 4:
            parameters["alert_id"] = self._alert_id

    def credential(self, case: Case) -> dict[str, str]:
        """Return the credentials for an operation."""
        schemes = {name for one in case.operation.definition.raw["security"] for name in one}
        if "apiKey" in schemes:
            return self._key
        if "session" not in schemes:
            return {}
        return (self._leaver if operation_id(case) == "deleteAccount" else self._tenant).bearer


@pytest.fixture(scope="module")
def harness(local: LocalEnvironment, http: httpx.Client) -> Harness:
    return Harness(local, http)


def is_another_operations(case: Case) -> bool:
    """Return whether a path with invalid parameters is the path of another operation, which is tested itself."""
    found = ROUTES.match(unquote(case.formatted_path))
    return found is not None and found[0] != case.path


def whole(body: Any) -> Any:
    """Return a body without integral floats: 5.0 is an integer in JSON Schema, but not in the API."""
    if isinstance(body, float) and body.is_integer():
        return int(body)
    if isinstance(body, dict):
        return {name: whole(value) for name, value in body.items()}
    return [whole(one) for one in body] if isinstance(body, list) else body


def operation_id(case: Case) -> str:
    name: str = case.operation.definition.raw["operationId"]
    return name


# What a schema cannot say: what only we or a mail can make, times that have passed, members that depend on each other.
_PRECONDITIONS = {"if-none-match"}
BEYOND_SCHEMAS = {
    "confirmSignUp": {"code"},
    "resetPassword": {"code"},
    "createApiKey": {"expires_at"},
    "updateApiKey": {"expires_at"},
    "getUsageHistory": {"from", "to"},
    "listAlerts": {"cursor"},
    "listKeys": {"cursor"},
    "confirmUnsubscribe": {"token"},
    "unsubscribe": {"token"},
    "getValue": _PRECONDITIONS,
    "headValue": _PRECONDITIONS,
    "putValue": _PRECONDITIONS,
    "batch": {*_PRECONDITIONS, "operations"},
    "getOpenApi": _PRECONDITIONS,
    "getDocs": _PRECONDITIONS,
}


# Here the request itself is what lets in, or the account has ended with the first one.
LETTING_IN = {"logIn", "refreshTokens", "logOut", "takeWebhook", "deleteAccount"}


def is_beyond_schemas(case: Case, response: schemathesis.Response) -> bool:
    """Return whether a request was rejected for a rule that its schema cannot express."""
    if response.status_code == 401:
        return operation_id(case) in LETTING_IN
    if response.status_code != 400:
        return False
    if case.method == "HEAD":
        return {"If-Match", "If-None-Match"} <= set(case.headers)
    wrong = {one["field"].split(".")[0] for one in response.json()["error"]["details"]}
    return bool(wrong & BEYOND_SCHEMAS.get(operation_id(case), set()))


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A persistent connection that ignores proxy settings."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@api.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_operation_conforms_to_the_document(
    case: Case, harness: Harness, local: LocalEnvironment, session: requests.Session
) -> None:
    if is_another_operations(case):
        return
    harness.aim(case)
    body = whole(case.body)
    # schemathesis treats any assignment as a change.
    if repr(body) != repr(case.body):
        case.body = body
    headers = harness.credential(case)
    response = case.call(local.base_url, session, headers)
    assert response.status_code < 500, response.text
    case.validate_response(
        response,
        headers=headers,
        excluded_checks=[positive_data_acceptance] if is_beyond_schemas(case, response) else None,
        transport_kwargs={"base_url": local.base_url, "headers": headers, "session": session},
    )


def test_served_document_is_the_one_in_the_repository(http: httpx.Client) -> None:
    answer = http.get("/v1/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == DOCUMENT
