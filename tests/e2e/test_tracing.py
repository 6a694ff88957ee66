"""An operator finds a request by its correlation id and an event by its id, in all services."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from infra.deploy.stage import LOCAL
from infra.docs_build.table import subscriptions
from infra.operations.logs.function_logs import FunctionLogs
from infra.repository import Repository
from tests.support.kv_process import environment_of
from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import JSON, Tenant


@pytest.fixture
def began_ms() -> int:
    return int(time.time() * 1000)


def trace(local: LocalEnvironment, wanted: str, since_ms: int) -> list[tuple[str, str, JSON]]:
    """Return what `make tail ID=…` finds: service, function and the line's fields."""
    logs = FunctionLogs(local.aws_client("logs"), LOCAL, since_ms=since_ms, wanted=wanted)
    return [(line.service, line.function, line.fields() or {}) for line in logs.new_lines()]


def takers(event: str) -> set[tuple[str, str]]:
    """Return the functions that apply an event, according to their services."""
    services = Repository.here().services()
    return {(one.name, "OnEvents") for one in services if any(event in names for names in subscriptions(one).values())}


def revoked(http: httpx.Client, tenant: Tenant, correlation_id: str) -> str:
    """Create and revoke a key with a given correlation id; return the key's id."""
    headers = {**tenant.bearer, "X-Correlation-Id": correlation_id}
    key = http.post("/v1/api-keys", json={"name": "traced"}, headers=headers)
    assert (key.status_code, key.headers["X-Correlation-Id"]) == (201, correlation_id)
    key_id: str = key.json()["id"]
    assert http.delete(f"/v1/api-keys/{key_id}", headers=headers).status_code == 204
    return key_id


def test_client_correlation_id_finds_every_function_involved(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant, began_ms: int
) -> None:
    correlation_id = f"trace-{secrets.token_hex(6)}"
    revoked(http, tenant, correlation_id)
    expected = {("auth", "APIHandler"), ("auth", "PublishOutbox"), *takers("ApiKeyIssued"), *takers("ApiKeyRevoked")}
    assert ("kv", "OnEvents") in expected

    def found() -> list[tuple[str, str, JSON]]:
        lines = trace(local, correlation_id, began_ms)
        return lines if {(service, function) for service, function, _ in lines} >= expected else []

    lines = await_value(found, within=15)

    assert {fields["correlation_id"] for _, _, fields in lines} == {correlation_id}
    routes = {fields["route"] for _, function, fields in lines if function == "APIHandler"}
    assert routes == {"POST /v1/api-keys", "DELETE /v1/api-keys/{key_id}"}
    published = {fields["event"] for _, function, fields in lines if function == "PublishOutbox"}
    assert published == {"ApiKeyIssued", "ApiKeyRevoked"}


def outbox_items(local: LocalEnvironment, event_id: str) -> list[dict[str, Any]]:
    """Return the event's items in auth's table."""
    table = environment_of(local, "auth")["TABLE"]
    pages = local.aws_client("dynamodb").get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"] if "detail" in item]
    return [item for item in items if json.loads(item["detail"]["S"])["id"] == event_id]


def test_event_id_finds_its_outbox_record_publication_and_consumers(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant, began_ms: int
) -> None:
    event_id = f"{revoked(http, tenant, f'trace-{secrets.token_hex(6)}')}#revoked"
    expected = {("auth", "PublishOutbox"), *takers("ApiKeyRevoked")}

    def found() -> list[tuple[str, str, JSON]]:
        lines = trace(local, event_id, began_ms)
        return lines if {(service, function) for service, function, _ in lines} >= expected else []

    lines = await_value(found, within=15)

    said = {(service, function): fields for service, function, fields in lines}
    assert {fields["event"] for fields in said.values()} == {"ApiKeyRevoked"}
    assert said["auth", "PublishOutbox"]["message"] == "published"
    assert {said[taker]["outcome"] for taker in takers("ApiKeyRevoked")} == {"done"}
    assert len(outbox_items(local, event_id)) == 1


def test_event_put_back_into_the_outbox_is_published_again(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant, began_ms: int
) -> None:
    # The procedure in docs/operations.md for events that could not be published.
    event_id = f"{revoked(http, tenant, f'trace-{secrets.token_hex(6)}')}#revoked"

    def outcomes() -> list[str]:
        lines = trace(local, event_id, began_ms)
        return [str(fields.get("message") or fields.get("outcome")) for _, _, fields in lines]

    once = len(takers("ApiKeyRevoked"))
    await_value(lambda: outcomes().count("done") == once, within=15)
    (item,) = outbox_items(local, event_id)
    table = environment_of(local, "auth")["TABLE"]
    dynamodb = local.aws_client("dynamodb")

    dynamodb.delete_item(TableName=table, Key={"PK": item["PK"], "SK": item["SK"]})
    dynamodb.put_item(TableName=table, Item=item)

    await_value(lambda: outcomes().count("done") == 2 * once, within=15)
    assert outcomes().count("published") == 2


def test_command_prints_the_logged_lines_and_exits(local: LocalEnvironment, http: httpx.Client, began_ms: int) -> None:
    correlation_id = f"trace-{secrets.token_hex(6)}"
    http.get("/v1/health/kv", headers={"X-Correlation-Id": correlation_id})
    await_value(lambda: trace(local, correlation_id, began_ms), within=5)
    command = (
        "from infra.deploy.cloud import Cloud\n"
        "from infra.operations.logs.__main__ import follow\n"
        "from infra.operations.logs.function_logs import FunctionLogs\n"
        f"cloud = Cloud.emulator({local.aws_endpoint!r}, 'us-east-1')\n"
        f"logs = FunctionLogs(cloud.client('logs'), 'local', since_ms={began_ms}, wanted={correlation_id!r})\n"
        "follow(cloud, logs, as_json=True, once=True)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=Repository.here().root,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    (line,) = done.stdout.splitlines()
    fields: dict[str, Any] = json.loads(line)
    assert (fields["correlation_id"], fields["route"]) == (correlation_id, "GET /v1/health/kv")
