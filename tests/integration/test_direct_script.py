"""A script called on a connection that is kept, on a real Redis of this file's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from infra.local.ports import free_port
from infra.local.redis_server import RedisServer
from kv_common.admission.direct_script import DirectScript
from kv_common.admission.redis_limiter import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment

ECHO = "if ARGV[1] == 'fail' then return redis.error_reply('FAILED as asked') end return KEYS[1] .. ARGV[1]"


@pytest.fixture(scope="module")
def server(local: LocalEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), free_port(), local.redis._binary, persist=False)
    server.start()
    yield server
    server.resume()
    server.stop()


@pytest.fixture
def admin(server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(server.url, decode_responses=True) as admin:
        yield admin


@pytest.fixture
def client(server: RedisServer) -> Iterator[Redis]:
    with connect(server.url) as client:
        yield client


@pytest.fixture
def echo(client: Redis) -> DirectScript:
    return DirectScript(client, ECHO)


def connected(admin: Redis) -> list[dict[str, Any]]:
    """Return the connections of other clients than `admin`."""
    return [one for one in admin.client_list() if one["cmd"] != "client|list" and one["cmd"] != "client"]


@given(st.text(), st.text())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_script_takes_any_text_and_answers_with_its_bytes(echo: DirectScript, key: str, argument: str) -> None:
    assert echo([key], ["-", argument]) == f"{key}-".encode()
    assert echo([key], [f"-{argument}"]) == f"{key}-{argument}".encode()


def test_numbers_are_sent_as_their_digits(echo: DirectScript) -> None:
    assert echo(["k"], [-12]) == b"k-12"


def test_a_server_that_has_forgotten_the_script_is_taught_it_again(echo: DirectScript, admin: Redis) -> None:
    admin.script_flush()
    assert echo(["k"], ["1"]) == b"k1"
    assert admin.script_exists(echo._sha) == [True]


def test_calls_one_after_the_other_take_one_connection(echo: DirectScript, admin: Redis) -> None:
    echo(["k"], ["1"])
    before = {one["id"] for one in connected(admin)}
    for number in range(20):
        assert echo(["k"], [number]) == f"k{number}".encode()
    assert {one["id"] for one in connected(admin)} == before


def test_an_error_of_the_script_is_raised_and_costs_no_connection(echo: DirectScript, admin: Redis) -> None:
    echo(["k"], ["1"])
    before = {one["id"] for one in connected(admin)}
    with pytest.raises(ResponseError, match="FAILED as asked"):
        echo(["k"], ["fail"])
    assert echo(["k"], ["2"]) == b"k2"
    assert {one["id"] for one in connected(admin)} == before


def test_a_connection_that_died_fails_one_call_and_is_opened_anew_by_the_next(echo: DirectScript, admin: Redis) -> None:
    echo(["k"], ["1"])
    admin.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(RedisConnectionError):
        echo(["k"], ["2"])
    assert echo(["k"], ["3"]) == b"k3"


def test_an_answer_that_comes_too_late_is_nobody_elses(echo: DirectScript, server: RedisServer) -> None:
    echo(["k"], ["1"])
    server.pause()
    try:
        with pytest.raises(RedisTimeoutError):
            echo(["k"], ["late"])
    finally:
        server.resume()
    assert echo(["k"], ["2"]) == b"k2"


def test_whoever_disconnects_the_pool_disconnects_what_is_kept(echo: DirectScript, client: Redis, admin: Redis) -> None:
    echo(["k"], ["1"])
    before = {one["id"] for one in connected(admin)}
    client.connection_pool.disconnect()
    assert echo(["k"], ["2"]) == b"k2"
    assert not before & {one["id"] for one in connected(admin)}


def test_threads_get_their_own_answers(echo: DirectScript) -> None:
    def ask(thread: int) -> bool:
        return all(echo([f"{thread}:"], [number]) == f"{thread}:{number}".encode() for number in range(300))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))
