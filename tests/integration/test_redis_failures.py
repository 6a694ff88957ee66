"""kv while Redis is down, hung, a replica or out of memory."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from infra.local.ports import free_port
from infra.local.redis_server import RedisServer
from kv_common import api_keys
from kv_common.redis.client import Command, RedisNode
from kv_service.container import bootstrap
from kv_service.http.app import create_app
from tests.support.kv_process import call, enter
from tests.support.tenant import set_plan, sign_up
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.local.environment import LocalEnvironment
    from kv_common.http import Api
    from tests.support.tenant import Tenant

VALUE = "/v1/{namespace}/{key}"
HERE = {"namespace": "app", "key": "a"}


@pytest.fixture
def server(local: LocalEnvironment, tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, to be mistreated."""
    server = RedisServer(tmp_path, free_port(), local.redis._binary, persist=False)
    server.start()
    yield server
    server.resume()
    server.stop()


@pytest.fixture
def lines() -> list[dict[str, object]]:
    return []


@pytest.fixture
def app(
    local: LocalEnvironment, server: RedisServer, monkeypatch: pytest.MonkeyPatch, lines: list[dict[str, object]]
) -> Api:
    env = {**enter(local, "kv", monkeypatch), "REDIS_URL": server.url}
    app = create_app(lambda: bootstrap(env))
    app._log = lines.append
    return app


@pytest.fixture
def headers(app: Api, tenant: Tenant) -> dict[str, str]:
    tenant.namespace("app")
    headers = tenant.key()
    assert call(app, "PUT", VALUE, HERE, headers=headers, body='{"value": 1}')[0] == 201
    return headers


def break_by_stopping(server: RedisServer) -> None:
    server.stop()


def break_by_hanging(server: RedisServer) -> None:
    server.pause()


def break_by_demotion(server: RedisServer) -> None:
    with Redis.from_url(server.url) as redis:
        redis.replicaof("127.0.0.1", free_port())


def break_by_filling(server: RedisServer) -> None:
    with Redis.from_url(server.url) as redis:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)


BREAKS = [break_by_stopping, break_by_hanging, break_by_demotion, break_by_filling]


@pytest.mark.parametrize("broken", BREAKS)
def test_requests_are_served_with_limit_headers(
    app: Api, server: RedisServer, headers: dict[str, str], lines: list[dict[str, object]], broken: object
) -> None:
    assert callable(broken)
    broken(server)
    for number in range(10):
        body = f'{{"value": {number}}}'
        status, answered, _ = call(app, "PUT", VALUE, HERE, headers=headers, body=body)
        assert status == 200
        assert answered["X-RateLimit-Limit"] == "1000"
        status, _, stored = call(app, "GET", VALUE, HERE, headers=headers)
        assert (status, stored) == (200, {"value": number})
    assert {line["limiter"] for line in lines[-20:]} == {"local"}


@pytest.mark.parametrize("broken", BREAKS)
def test_invalid_keys_are_rejected(
    app: Api, server: RedisServer, headers: dict[str, str], tenant: Tenant, broken: object
) -> None:
    read_only = tenant.key(scopes=["read"])
    elsewhere = tenant.key(namespaces=["other"])
    unknown = {"x-api-key": api_keys.generate(tenant.account_id, secrets.randbits).text}
    assert callable(broken)
    broken(server)
    assert call(app, "GET", VALUE, HERE, headers=unknown)[0] == 401
    assert call(app, "GET", VALUE, HERE, headers={})[0] == 401
    assert call(app, "DELETE", VALUE, HERE, headers=read_only)[0] == 403
    assert call(app, "GET", VALUE, HERE, headers=elsewhere)[0] == 403
    assert call(app, "GET", VALUE, {**HERE, "namespace": "nowhere"}, headers=headers)[0] == 404
    assert call(app, "GET", VALUE, HERE, headers=headers)[0] == 200


def test_rate_is_limited_per_process(local: LocalEnvironment, app: Api, server: RedisServer, tenant: Tenant) -> None:
    set_plan(local, tenant.account_id, "free")
    tenant.namespace("app")
    headers = tenant.key()
    server.stop()
    statuses = [call(app, "GET", VALUE, HERE, headers=headers)[0] for _ in range(60)]
    assert statuses.count(404) < 60
    assert 429 in statuses


def test_revoked_keys_are_rejected_within_ten_seconds_without_redis(
    local: LocalEnvironment, app: Api, server: RedisServer, headers: dict[str, str], tenant: Tenant
) -> None:
    second = sign_up(local, tenant.http, plan="business")
    second.namespace("app")
    doomed = [(owner, owner.new_key()) for owner in (tenant, second) for _ in range(99)]
    server.stop()

    def opens(key: dict[str, Any]) -> bool:
        return call(app, "GET", VALUE, HERE, headers={"x-api-key": key["key"]})[0] != 401

    assert all(opens(key) for _, key in doomed)
    alive: dict[str, tuple[dict[str, Any], float]] = {}
    for owner, key in doomed:
        assert owner.http.delete(f"/v1/api-keys/{key['id']}", headers=owner.bearer).status_code == 204
        alive[key["id"]] = (key, time.monotonic())
    while alive:
        for key_id, (key, revoked) in list(alive.items()):
            if not opens(key):
                del alive[key_id]
            else:
                # What was looked up just before it was revoked serves for ten seconds; a look takes a moment.
                assert time.monotonic() - revoked < 10.5
        time.sleep(0.2)
    assert call(app, "GET", VALUE, HERE, headers=headers)[0] == 200


def await_redis(app: Api, headers: dict[str, str], lines: list[dict[str, object]]) -> None:
    """Serve requests until Redis decides on them again, which takes less than five seconds."""

    def decides() -> bool:
        assert call(app, "GET", VALUE, HERE, headers=headers)[0] == 200
        return "limiter" not in lines[-1]

    await_value(decides, within=5)


@pytest.mark.parametrize("return_of", ["its data", "nothing"])
def test_redis_decides_again_within_five_seconds_of_its_return(
    app: Api, server: RedisServer, headers: dict[str, str], lines: list[dict[str, object]], return_of: str
) -> None:
    server.stop()
    for _ in range(5):
        assert call(app, "GET", VALUE, HERE, headers=headers)[0] == 200
    assert lines[-1]["limiter"] == "local"
    server.start(empty=return_of == "nothing")
    await_redis(app, headers, lines)


def test_redis_decides_again_within_five_seconds_of_waking_up(
    app: Api, server: RedisServer, headers: dict[str, str], lines: list[dict[str, object]]
) -> None:
    server.pause()
    for _ in range(5):
        assert call(app, "GET", VALUE, HERE, headers=headers)[0] == 200
    server.resume()
    await_redis(app, headers, lines)


def test_few_requests_call_a_hung_redis(
    app: Api, server: RedisServer, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request: list[float] = []
    exchange = RedisNode.exchange

    def counted(self: RedisNode, *commands: Command) -> Any:
        request.append(time.monotonic())
        return exchange(self, *commands)

    monkeypatch.setattr(RedisNode, "exchange", counted)
    server.pause()
    started = time.monotonic()
    for _ in range(30):
        call(app, "GET", VALUE, HERE, headers=headers)
    # Three fail and open the breaker; after that one a second tries. Each try may open a connection first.
    assert len(request) <= 2 * (3 + 1 + time.monotonic() - started)


def test_namespace_can_be_deleted_without_redis(
    app: Api, server: RedisServer, headers: dict[str, str], tenant: Tenant
) -> None:
    server.stop()
    route = "/v1/namespaces/{namespace}"
    assert call(app, "DELETE", route, {"namespace": "app"}, headers=lower(tenant.bearer))[0] == 202
    # Its job runs where it is deployed.
    await_value(
        lambda: call(app, "GET", route, {"namespace": "app"}, headers=lower(tenant.bearer))[0] == 404, within=20
    )
    assert call(app, "GET", VALUE, HERE, headers=headers)[0] == 404


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
