"""Network round trips per operation, counted where they leave the process, with warm caches."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from kv_common import api_keys
from kv_common.redis.client import Command, RedisNode
from kv_service.container import bootstrap
from kv_service.http.app import create_app
from tests.support.kv_process import call, environment_of

if TYPE_CHECKING:
    from infra.local.environment import LocalEnvironment
    from kv_common.http import Api
    from kv_service.container import Kv
    from tests.support.tenant import Tenant

VALUE = "/v1/{namespace}/{key}"
INCREMENT = VALUE + "/increment"
NAMESPACE = "/v1/{namespace}"


class Trips:
    """Counts commands sent to Redis and requests sent to DynamoDB."""

    def __init__(self) -> None:
        self.redis = 0
        self.dynamodb = 0

    def sent(self, **_: Any) -> None:
        self.dynamodb += 1

    def reset(self) -> None:
        self.redis = self.dynamodb = 0


@pytest.fixture
def app(kv: Kv) -> Api:
    return create_app(lambda: kv)


@pytest.fixture
def trips(kv: Kv, monkeypatch: pytest.MonkeyPatch) -> Trips:
    counter = Trips()
    kv.service._client.meta.events.register("before-send.dynamodb.*", counter.sent)
    exchange = RedisNode.exchange

    def counted(self: RedisNode, *commands: Command) -> Any:
        counter.redis += 1
        return exchange(self, *commands)

    monkeypatch.setattr(RedisNode, "exchange", counted)
    return counter


def warm(app: Api, headers: dict[str, str], body: str = '{"value": 1}') -> None:
    """Send the first request, which opens connections and fills all caches."""
    status, _, _ = call(app, "PUT", VALUE, {"namespace": "app", "key": "a"}, headers=headers, body=body)
    assert status == 201


def send(app: Api, headers: dict[str, str], operations: list[str], *, atomic: bool = False) -> list[int]:
    """Send a batch and return the status of each operation."""
    body = f'{{"operations":[{",".join(operations)}],"atomic":{str(atomic).lower()}}}'
    status, _, response = call(app, "POST", NAMESPACE + "/batch", {"namespace": "app"}, headers=headers, body=body)
    assert status == 200, response
    return [result["status"] for result in response["results"]]


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [("GET", None, 200), ("HEAD", None, 200), ("PUT", '{"value": [1, 2]}', 200), ("DELETE", None, 204)],
)
def test_value_operation_is_one_round_trip_to_redis_and_one_to_dynamodb(
    app: Api, trips: Trips, tenant: Tenant, method: str, body: str | None, expected: int
) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    trips.reset()
    status, _, _ = call(app, method, VALUE, {"namespace": "app", "key": "a"}, headers=headers, body=body)
    assert (status, trips.redis, trips.dynamodb) == (expected, 1, 1)


ONE_TRIP = {
    "a PUT on an ETag that is current": ("PUT", VALUE, "a", '{"value": 2}', {"if-match": "current"}, 200),
    "a PUT on an ETag that is not": ("PUT", VALUE, "a", '{"value": 2}', {"if-match": '"other"'}, 412),
    "a PUT of what must not be there": ("PUT", VALUE, "a", '{"value": 2}', {"if-none-match": "*"}, 412),
    "a PUT of what must not be there and is not": ("PUT", VALUE, "b", '{"value": 2}', {"if-none-match": "*"}, 201),
    "a PUT with all it can have": ("PUT", VALUE, "a", '{"value": 2, "ttl": 60, "metadata": {"a": 1}}', {}, 200),
    "a DELETE on an ETag that is not current": ("DELETE", VALUE, "a", None, {"if-match": '"other"'}, 412),
    "a DELETE on an ETag that is": ("DELETE", VALUE, "a", None, {"if-match": "current"}, 204),
    "an increment": ("POST", INCREMENT, "a", None, {}, 200),
    "an increment of what is not there": ("POST", INCREMENT, "c", '{"by": 5, "ttl": 60}', {}, 200),
    "an increment on an ETag that is current": ("POST", INCREMENT, "a", None, {"if-match": "current"}, 200),
    "an increment on an ETag that is not": ("POST", INCREMENT, "a", None, {"if-match": '"other"'}, 412),
    "an increment out of range": ("POST", INCREMENT, "a", '{"by": 9223372036854775807}', {}, 409),
    "an increment of a text": ("POST", INCREMENT, "text", None, {}, 409),
}


def test_conditional_writes_and_increments_are_one_round_trip_to_each(app: Api, trips: Trips, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    call(app, "PUT", VALUE, {"namespace": "app", "key": "text"}, headers=headers, body='{"value": "1"}')
    measured: dict[str, tuple[int, int, int]] = {}
    for name, (method, route, key, body, conditions, _) in ONE_TRIP.items():
        path = {"namespace": "app", "key": "a"}
        current = call(app, "PUT", VALUE, path, headers=headers, body='{"value": 1}')[1]["ETag"]
        sent = headers | {header: current if tag == "current" else tag for header, tag in conditions.items()}
        trips.reset()
        status, _, _ = call(app, method, route, {**path, "key": key}, headers=sent, body=body)
        measured[name] = status, trips.redis, trips.dynamodb
    assert measured == {name: (case[-1], 1, 1) for name, case in ONE_TRIP.items()}


def test_patch_is_one_round_trip_to_redis_and_two_to_dynamodb(app: Api, trips: Trips, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers, '{"value": {"a": 1}}')
    for body in ('{"value": {"b": 2}}', '{"ttl": 60}', '{"metadata": null, "value": {"a": null}}'):
        trips.reset()
        status, _, _ = call(app, "PATCH", VALUE, {"namespace": "app", "key": "a"}, headers=headers, body=body)
        assert (status, trips.redis, trips.dynamodb) == (200, 1, 2)


@pytest.mark.parametrize("atomic", [False, True])
def test_batch_of_100_gets_is_one_round_trip_to_each(app: Api, trips: Trips, tenant: Tenant, *, atomic: bool) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    keys = [f"key-{number}" for number in range(100)]
    text = '"' + "x" * 998 + '"'
    assert send(app, headers, [f'{{"op":"put","key":"{key}","value":{text}}}' for key in keys]) == [201] * 100
    trips.reset()
    found = send(app, headers, [f'{{"op":"get","key":"{key}"}}' for key in keys], atomic=atomic)
    assert (found, trips.redis, trips.dynamodb) == ([200] * 100, 1, 1)


def test_atomic_batch_of_100_writes_is_one_round_trip_to_redis_and_two_to_dynamodb(
    app: Api, trips: Trips, tenant: Tenant
) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    puts = [f'{{"op":"put","key":"key-{number}","value":1}}' for number in range(100)]
    trips.reset()
    assert send(app, headers, puts, atomic=True) == [201] * 100
    assert (trips.redis, trips.dynamodb) == (1, 2)


def test_idempotent_write_is_two_round_trips_and_its_repetition_one(app: Api, trips: Trips, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    once = headers | {"idempotency-key": "first"}
    for expected in (2, 1):
        trips.reset()
        status, _, body = call(app, "POST", INCREMENT, {"namespace": "app", "key": "a"}, headers=once)
        assert (status, body["value"], trips.redis, trips.dynamodb) == (200, 2, 1, expected)


def test_page_of_keys_is_one_round_trip_to_each(app: Api, trips: Trips, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    trips.reset()
    status, _, page = call(app, "GET", NAMESPACE, {"namespace": "app"}, headers=headers)
    assert (status, len(page["keys"]), trips.redis, trips.dynamodb) == (200, 1, 1, 1)


def test_rate_limited_request_is_one_round_trip_to_redis(
    local: LocalEnvironment, trips: Trips, app: Api, tenant: Tenant
) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    with Redis.from_url(local.redis_url) as redis:
        redis.hset(f"{{{tenant.account_id}}}:limits", mapping={"rate": 1, "burst": 1})
        redis.delete(f"{{{tenant.account_id}}}:bucket")
    call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    trips.reset()
    status, answered, body = call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    assert (status, body["error"]["code"], answered["Retry-After"]) == (429, "RATE_LIMITED", "1")
    assert (trips.redis, trips.dynamodb) == (1, 0)


def test_request_over_quota_is_one_round_trip_to_redis(
    local: LocalEnvironment, trips: Trips, app: Api, tenant: Tenant
) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    with Redis.from_url(local.redis_url) as redis:
        redis.hset(f"{{{tenant.account_id}}}:limits", mapping={"quota": 1})
    trips.reset()
    status, _, body = call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    assert (status, body["error"]["code"]) == (429, "QUOTA_EXCEEDED")
    assert (trips.redis, trips.dynamodb) == (1, 0)


def test_key_without_the_scope_is_one_round_trip_to_redis(trips: Trips, app: Api, tenant: Tenant) -> None:
    tenant.namespace("app")
    headers = tenant.key(scopes=["read"])
    call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    trips.reset()
    status, _, body = call(app, "DELETE", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    assert (status, body["error"]["code"]) == (403, "FORBIDDEN")
    assert (trips.redis, trips.dynamodb) == (1, 0)


def test_unknown_key_is_looked_up_once_and_then_denied_by_redis(trips: Trips, app: Api, tenant: Tenant) -> None:
    headers = {"x-api-key": api_keys.generate(tenant.account_id, secrets.randbits).text}
    assert call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)[0] == 401
    trips.reset()
    assert call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)[0] == 401
    assert (trips.redis, trips.dynamodb) == (1, 0)


@pytest.mark.parametrize("kind", ["malformed", "wrong checksum", "absent"])
def test_malformed_key_is_no_round_trip(trips: Trips, app: Api, tenant: Tenant, kind: str) -> None:
    text = api_keys.generate(tenant.account_id, secrets.randbits).text
    damaged = text[:-1] + ("a" if text[-1] != "a" else "b")
    headers = {"malformed": {"x-api-key": "kv_live_x"}, "wrong checksum": {"x-api-key": damaged}, "absent": {}}[kind]
    trips.reset()
    status, _, _ = call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    assert (status, trips.redis, trips.dynamodb) == (401, 0, 0)


def test_first_request_of_a_key_adds_one_read_and_one_script_call(
    local: LocalEnvironment, app: Api, trips: Trips, tenant: Tenant
) -> None:
    tenant.namespace("app")
    headers = tenant.key()
    warm(app, headers)
    with Redis.from_url(local.redis_url) as redis:
        for key in redis.scan_iter(f"{{{tenant.account_id}}}:*"):
            redis.delete(key)
    trips.reset()
    status, _, _ = call(app, "GET", VALUE, {"namespace": "app", "key": "a"}, headers=headers)
    assert (status, trips.redis, trips.dynamodb) == (200, 2, 2)


def test_no_connection_is_opened_before_the_first_request(local: LocalEnvironment) -> None:
    built: list[Kv] = []

    def make() -> Kv:
        built.append(bootstrap(environment_of(local, "kv")))
        return built[0]

    create_app(make)
    assert built == []
