"""Batches, transactions and idempotency keys over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tenant import sign_up

if TYPE_CHECKING:
    import httpx

    from infra.local.environment import LocalEnvironment
    from tests.support.tenant import Tenant


@pytest.fixture
def headers(tenant: Tenant) -> dict[str, str]:
    tenant.namespace("app")
    return tenant.key()


def send(http: httpx.Client, headers: dict[str, str], *operations: dict[str, Any], atomic: bool = False) -> Any:
    return http.post("/v1/app/batch", json={"operations": operations, "atomic": atomic}, headers=headers)


def test_batch_of_a_hundred_operations_has_a_result_for_each(http: httpx.Client, headers: dict[str, str]) -> None:
    puts = [{"op": "put", "key": f"k{number:02}", "value": {"n": number}} for number in range(100)]
    response = send(http, headers, *puts)
    assert [one["status"] for one in response.json()["results"]] == [201] * 100
    gets = [{"op": "get", "key": f"k{number:02}"} for number in range(99)] + [{"op": "get", "key": "missing"}]
    response = send(http, headers, *gets)
    found = response.json()["results"]
    assert [one["value"] for one in found[:99]] == [{"n": number} for number in range(99)]
    assert (found[99]["status"], found[99]["error"]["code"]) == (404, "NOT_FOUND")
    mixed: list[dict[str, Any]] = [
        {"op": "delete", "key": "k00"},
        {"op": "get", "key": "k00"},
        {"op": "increment", "key": "n", "by": 5},
    ]
    assert [one["status"] for one in send(http, headers, *mixed).json()["results"]] == [204, 404, 200]


def test_batch_costs_as_much_as_its_operations(local: LocalEnvironment, http: httpx.Client) -> None:
    tenant = sign_up(local, http, plan="free")
    tenant.namespace("app")
    headers = tenant.key()
    # Over the free plan's burst of twenty: admitted with a full bucket, which then has a negative level.
    look: dict[str, Any] = {"op": "get", "key": "a"}
    response = send(http, headers, *[look] * 60)
    assert response.status_code == 200
    assert response.headers["X-Quota-Remaining"] == str(10_000 - 60)
    assert response.headers["X-RateLimit-Remaining"] == "0"
    refused = http.get("/v1/app/a", headers=headers)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 3


def test_batch_requires_every_scope_of_its_operations(http: httpx.Client, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key(scopes=["read"])
    assert send(http, headers, {"op": "get", "key": "a"}).status_code == 200
    refused = send(http, headers, {"op": "get", "key": "a"}, {"op": "delete", "key": "a"})
    assert (refused.status_code, refused.json()["error"]["details"]) == (403, {"required_scope": "delete read"})


def test_concurrent_atomic_batches_are_serialized(http: httpx.Client, headers: dict[str, str]) -> None:
    send(http, headers, *[{"op": "put", "key": key, "value": 50} for key in ("a", "b", "c")])

    def move(number: int) -> int:
        source, target = ("a", "b", "c")[number % 3], ("b", "c", "a")[number % 3]
        response = send(
            http,
            headers,
            {"op": "increment", "key": source, "by": -1},
            {"op": "increment", "key": target, "by": 1},
            atomic=True,
        )
        return int(response.status_code)

    with ThreadPoolExecutor(4) as workers:
        statuses = list(workers.map(move, range(24)))
    found = send(http, headers, *[{"op": "get", "key": key} for key in ("a", "b", "c")], atomic=True).json()["results"]
    assert set(statuses) <= {200, 503}
    assert sum(one["value"] for one in found) == 150
    assert statuses.count(200) >= 12


def test_atomic_batch_with_a_failing_operation_changes_nothing(http: httpx.Client, headers: dict[str, str]) -> None:
    http.put("/v1/app/text", json={"value": "x"}, headers=headers)
    response = send(
        http, headers, {"op": "put", "key": "a", "value": 1}, {"op": "increment", "key": "text"}, atomic=True
    )
    assert (response.status_code, response.json()["error"]["details"]["reason"]) == (409, "not_applied")
    assert [one["index"] for one in response.json()["error"]["details"]["failed"]] == [1]
    assert http.get("/v1/app/a", headers=headers).status_code == 404


def test_concurrent_requests_with_one_idempotency_key_are_applied_once(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    once = {**headers, "Idempotency-Key": "order-17"}

    def count(_: int) -> httpx.Response:
        return http.post("/v1/app/n/increment", json={"by": 7}, headers=once)

    with ThreadPoolExecutor(6) as workers:
        responses = list(workers.map(count, range(12)))
    done = [response for response in responses if response.status_code == 200]
    assert {response.status_code for response in responses} <= {200, 409}
    assert [response.json()["value"] for response in done] == [7] * len(done)
    assert len({response.headers["ETag"] for response in done}) == 1
    assert sum("Idempotent-Replayed" not in response.headers for response in done) == 1
    assert http.get("/v1/app/n", headers=headers).json() == {"value": 7}

    other = http.post("/v1/app/n/increment", json={"by": 8}, headers=once)
    assert (other.status_code, other.json()["error"]["details"]) == (409, {"reason": "idempotency_key_reused"})
    response = http.put("/v1/app/n", json={"value": 1}, headers=once)
    assert response.status_code == 200
    assert "Idempotent-Replayed" not in response.headers


def test_repeated_batch_gets_the_first_response(http: httpx.Client, headers: dict[str, str]) -> None:
    once = {**headers, "Idempotency-Key": "a"}
    operations = (
        {"op": "increment", "key": "n"},
        {"op": "patch", "key": "missing", "ttl": 5},
        {"op": "get", "key": "n"},
    )
    first = send(http, once, *operations)
    second = send(http, once, *operations)
    assert [one["status"] for one in first.json()["results"]] == [200, 404, 200]
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert http.get("/v1/app/n", headers=headers).json() == {"value": 1}
