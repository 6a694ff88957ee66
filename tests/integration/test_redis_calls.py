"""Calls of Redis on a real Redis of this file's own: what redis-py would answer, and what becomes of failures."""

from __future__ import annotations

import gc
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from infra.local.ports import free_port
from infra.local.redis_server import RedisServer
from kv_common.admission.redis_calls import ConnectionLost, ErrorReply, RedisCalls, TooLate

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
    with Redis.from_url(server.url) as admin:
        yield admin
        admin.config_set("requirepass", "")


def calls_of(url: str) -> RedisCalls:
    return RedisCalls(url, connect_timeout_s=1, timeout_s=0.2)


@pytest.fixture
def calls(server: RedisServer) -> RedisCalls:
    return calls_of(server.url)


def connected(admin: Redis) -> set[str]:
    """Return the connections of other clients than `admin`."""
    own = admin.client_id()
    return {one["id"] for one in admin.client_list() if int(one["id"]) != own}


COMMANDS: dict[str, tuple[str | int, ...]] = {
    "a status": ("SET", "k", "1"),
    "a number": ("INCRBY", "n", 41),
    "a text": ("GET", "k"),
    "nothing": ("GET", "no such key"),
    "an empty text": ("ECHO", ""),
    "a text with line ends": ("ECHO", "a\r\nb\r\n"),
    "a megabyte": ("ECHO", "x" * 1_000_000),
    "a list": ("HGETALL", "h"),
    "an empty list": ("HGETALL", "no such key"),
    "lists in a list": ("EVAL", "return {1, {'a', {}}, 'b'}", 0),
    "no list": ("LPOP", "no such key", 2),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_an_answer_is_what_redis_py_reads(calls: RedisCalls, admin: Redis, command: tuple[str | int, ...]) -> None:
    admin.hset("h", mapping={"one": "1", "two": "2"})
    admin.delete("n")
    connection = admin.connection_pool.get_connection()
    connection.send_command(*command)  # type: ignore[no-untyped-call]
    by_redis_py = connection.read_response(disable_decoding=True)
    admin.connection_pool.release(connection)
    admin.delete("n")

    found = calls.call(*command)

    if isinstance(by_redis_py, dict):
        # It asks for the third version of the protocol, which has maps.
        by_redis_py = [part for pair in by_redis_py.items() for part in pair]
    assert found == by_redis_py


def test_a_refusal_says_of_what_kind_it_is_and_costs_no_connection(calls: RedisCalls, admin: Redis) -> None:
    calls.call("SET", "k", "text")
    before = connected(admin)
    with pytest.raises(ErrorReply, match="not an integer") as told:
        calls.call("INCR", "k")
    assert told.value.kind == "ERR"
    assert calls.call("GET", "k") == b"text"
    assert connected(admin) == before


@given(st.text(), st.text())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_script_takes_any_text_and_answers_with_its_bytes(calls: RedisCalls, key: str, argument: str) -> None:
    echo = calls.script(ECHO)
    assert echo([key], ["-", argument]) == f"{key}-".encode()
    assert echo([key], [f"-{argument}"]) == f"{key}-{argument}".encode()


def test_a_server_that_has_forgotten_a_script_is_taught_it_again(calls: RedisCalls, admin: Redis) -> None:
    echo = calls.script(ECHO)
    assert echo(["k"], [-12]) == b"k-12"
    admin.script_flush()
    assert echo(["k"], ["1"]) == b"k1"


def test_an_error_of_a_script_is_its_refusal(calls: RedisCalls) -> None:
    with pytest.raises(ErrorReply, match="FAILED as asked") as told:
        calls.script(ECHO)(["k"], ["fail"])
    assert told.value.kind == "FAILED"


def test_a_transaction_happens_at_one_moment_or_says_what_was_refused(calls: RedisCalls, admin: Redis) -> None:
    admin.delete("h", "k", "n")
    calls.transaction(("HSET", "h", "a", "1"), ("EXPIRE", "h", 60), ("SET", "k", "text"))
    assert (admin.hget("h", "a"), admin.ttl("h"), admin.get("k")) == (b"1", 60, b"text")

    with pytest.raises(ErrorReply, match="not an integer"):
        calls.transaction(("INCR", "k"), ("SET", "n", "1"))
    with pytest.raises(ErrorReply, match="wrong number"):
        calls.transaction(("GET",), ("SET", "n", "2"))
    # Redis goes on after a command that fails, and does nothing where one could not be taken.
    assert admin.get("n") == b"1"
    assert calls.call("GET", "n") == b"1"


def test_several_calls_together_are_answered_in_their_order(calls: RedisCalls, admin: Redis) -> None:
    admin.delete("k", "n")
    assert calls.together(("SET", "k", "1"), ("GET", "k"), ("GET", "n"), ("INCR", "k")) == [b"OK", b"1", None, 2]
    with pytest.raises(ErrorReply, match="wrong number"):
        calls.together(("INCR", "k"), ("GET",), ("INCR", "k"))
    assert calls.call("GET", "k") == b"4"


def test_a_script_called_several_times_together_is_taught_first(calls: RedisCalls, admin: Redis) -> None:
    admin.script_flush()
    echo = calls.script(ECHO)
    assert echo.each([(["a"], [1]), (["b"], [2])]) == [b"a1", b"b2"]


def test_calls_one_after_the_other_take_one_connection(calls: RedisCalls, admin: Redis) -> None:
    calls.call("PING")
    before = connected(admin)
    for _ in range(20):
        assert calls.call("PING") == b"PONG"
    assert connected(admin) == before


def test_a_connection_that_died_fails_one_call_and_the_next_has_a_new_one(calls: RedisCalls, admin: Redis) -> None:
    calls.call("PING")
    admin.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(ConnectionLost):
        calls.call("PING")
    assert calls.call("PING") == b"PONG"


def test_an_answer_that_comes_too_late_is_nobody_elses(calls: RedisCalls, server: RedisServer) -> None:
    calls.call("PING")
    server.pause()
    try:
        with pytest.raises(TooLate):
            calls.call("ECHO", "late")
    finally:
        server.resume()
    assert calls.call("ECHO", "in time") == b"in time"


def test_nobody_there_is_a_connection_lost() -> None:
    with pytest.raises(ConnectionLost):
        calls_of(f"redis://127.0.0.1:{free_port()}").call("PING")


def test_disconnected_calls_connect_anew_and_those_that_nobody_has_leave_nothing(
    server: RedisServer, admin: Redis
) -> None:
    calls = calls_of(server.url)
    calls.call("PING")
    before = connected(admin)
    calls.disconnect()
    calls.call("PING")
    after = connected(admin)
    assert not before & after
    del calls
    gc.collect()
    assert not after & connected(admin)


def test_threads_get_their_own_answers(calls: RedisCalls) -> None:
    echo = calls.script(ECHO)

    def ask(thread: int) -> bool:
        return all(echo([f"{thread}:"], [number]) == f"{thread}:{number}".encode() for number in range(300))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))


def test_a_password_a_user_and_a_database_are_those_of_the_address(server: RedisServer, admin: Redis) -> None:
    place = server.url.removeprefix("redis://").partition("/")[0]
    admin.execute_command("ACL", "SETUSER", "kv", "on", ">p:@/ä", "~*", "+@all")  # type: ignore[no-untyped-call]
    admin.config_set("requirepass", "secret/?")

    with pytest.raises(ErrorReply) as told:
        calls_of(server.url).call("PING")
    assert told.value.kind == "NOAUTH"
    with pytest.raises(ErrorReply) as told:
        calls_of(f"redis://:wrong@{place}").call("PING")
    assert told.value.kind == "WRONGPASS"
    calls_of(f"redis://:secret%2F%3F@{place}/3").call("SET", "where", "3")
    assert calls_of(f"redis://kv:p%3A%40%2F%C3%A4@{place}/3").call("GET", "where") == b"3"
    assert calls_of(f"redis://kv:p%3A%40%2F%C3%A4@{place}").call("GET", "where") is None


WRONG = [
    "",
    "redis://",
    "http://a",
    "redis://a/b",
    "redis://a?timeout=1",
    "unix:///tmp/redis.sock",
    "redis://a:port",
    "redis://:pa/ss@a",
]


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_address_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ValueError, match="The address of a Redis is redis"):
        calls_of(url)


def test_a_server_with_tls_is_believed_only_by_its_certificate(server: RedisServer) -> None:
    # What answers is no TLS at all, and so is never sent a command.
    secure = server.url.replace("redis://", "rediss://")
    with pytest.raises((ConnectionLost, TooLate)):
        calls_of(secure).call("PING")
    context: Any = calls_of(secure)._tls
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
