"""A revoked key is rejected everywhere: through the outbox, the bus, the queue and Redis."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.support.waiting import await_value

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant


def revoke(http: httpx.Client, tenant: Tenant) -> float:
    """Create, use and revoke a key; return the seconds until it was rejected."""
    key = tenant.new_key()
    headers = {"x-api-key": key["key"]}
    assert http.get("/v1/app/a", headers=headers).status_code == 404
    assert http.delete(f"/v1/api-keys/{key['id']}", headers=tenant.bearer).status_code == 204
    revoked = time.monotonic()
    await_value(lambda: http.get("/v1/app/a", headers=headers).status_code == 401, within=10, pause=0)
    return time.monotonic() - revoked


def test_revoked_key_is_rejected_within_a_second(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    # The first event includes the cold starts of all functions.
    revoke(http, tenant)
    assert max(revoke(http, tenant) for _ in range(200)) < 1


def test_unreadable_message_is_dead_lettered_and_others_are_processed(
    local: LocalEnvironment, http: httpx.Client, tenant: Tenant
) -> None:
    tenant.namespace("app")
    sqs = local.aws_client("sqs")
    dead = sqs.get_queue_url(QueueName="kv-local-kv-events-dlq")["QueueUrl"]
    queue = sqs.get_queue_url(QueueName="kv-local-kv-events")["QueueUrl"]
    # Failed messages are redelivered at once instead of after three minutes.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "0"})
    try:
        local.aws_client("events").put_events(
            Entries=[
                {
                    "EventBusName": "kv-local",
                    "Source": "kv.auth",
                    "DetailType": "ApiKeyRevoked",
                    "Detail": json.dumps({"id": "poison", "version": 99}),
                }
            ]
        )

        def dead_letters() -> list[dict[str, Any]]:
            messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", [])
            return messages

        assert "poison" in await_value(dead_letters, within=30)[0]["Body"]
        assert revoke(http, tenant) < 10
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "180"})
