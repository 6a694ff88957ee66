"""The Redis client on a real node of this file's own: replies, scripts, transactions, and what becomes of failures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.credentials import CredentialProvider
from redis.exceptions import ResponseError

from infra.local.ports import free_port
from infra.local.redis_server import RedisServer
from kv_common.redis import RedisClient, RedisMode, RedisSettings, RedisUnavailable, connect
from tests.support.tls_proxy import tls_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def client_of(url: str, **keywords: Any) -> RedisClient:
    return connect(RedisSettings(url, connect_timeout_s=1, timeout_s=0.2), **keywords)


@pytest.fixture
def client(server: RedisServer) -> RedisClient:
    return client_of(server.url)


def call(client: RedisClient, *parts: str | int) -> Any:
    (reply,) = client.execute("k", parts)
    return reply


def connected(admin: Redis) -> set[str]:
    """Return the connections of other clients than `admin`."""
    own = admin.client_id()
    return {one["id"] for one in admin.client_list() if int(one["id"]) != own}


def test_replies_have_the_types_of_the_protocol(client: RedisClient, admin: Redis) -> None:
    admin.delete("h", "n", "k")
    admin.hset("h", mapping={"one": "1", "two": "2"})
    assert call(client, "SET", "k", "1") == b"OK"
    assert call(client, "INCRBY", "n", 41) == 41
    assert call(client, "GET", "k") == b"1"
    assert call(client, "GET", "no such key") is None
    assert call(client, "ECHO", "a\r\nb\r\n") == b"a\r\nb\r\n"
    assert call(client, "ECHO", "x" * 1_000_000) == b"x" * 1_000_000
    assert call(client, "HGETALL", "h") == [b"one", b"1", b"two", b"2"]
    assert call(client, "EVAL", "return {1, {'a', {}}, 'b'}", 0) == [1, [b"a", []], b"b"]


def test_an_error_reply_is_raised_and_costs_no_connection(client: RedisClient, admin: Redis) -> None:
    call(client, "SET", "k", "text")
    before = connected(admin)
    with pytest.raises(RedisUnavailable) as raised:
        call(client, "INCR", "k")
    assert isinstance(raised.value.__cause__, ResponseError)
    assert "not an integer" in str(raised.value.__cause__)
    assert call(client, "GET", "k") == b"text"
    assert connected(admin) == before


@given(st.text(), st.text())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_script_takes_any_text_and_replies_with_its_bytes(client: RedisClient, key: str, argument: str) -> None:
    echo = client.script(ECHO)
    assert echo([key], ["-", argument]) == f"{key}-".encode()
    assert echo([key], [f"-{argument}"]) == f"{key}-{argument}".encode()


def test_a_script_that_the_server_has_forgotten_is_loaded_again(client: RedisClient, admin: Redis) -> None:
    echo = client.script(ECHO)
    assert echo(["k"], [-12]) == b"k-12"
    admin.script_flush()
    assert echo(["k"], ["1"]) == b"k1"
    admin.script_flush()
    assert echo.each([(["a"], [1]), (["b"], [2])]) == [b"a1", b"b2"]


def test_an_error_of_a_script_is_raised(client: RedisClient) -> None:
    with pytest.raises(RedisUnavailable) as raised:
        client.script(ECHO)(["k"], ["fail"])
    assert "FAILED as asked" in str(raised.value.__cause__)


def test_a_transaction_is_atomic_and_raises_when_a_command_fails(client: RedisClient, admin: Redis) -> None:
    admin.delete("h", "k", "n")
    client.transaction("h", ("HSET", "h", "a", "1"), ("EXPIRE", "h", 60), ("SET", "k", "text"))
    assert (admin.hget("h", "a"), admin.ttl("h"), admin.get("k")) == (b"1", 60, b"text")

    with pytest.raises(RedisUnavailable) as raised:
        client.transaction("k", ("INCR", "k"), ("SET", "n", "1"))
    assert "not an integer" in str(raised.value.__cause__)
    with pytest.raises(RedisUnavailable) as raised:
        client.transaction("k", ("GET",), ("SET", "n", "2"))
    assert "wrong number" in str(raised.value.__cause__)
    # Redis goes on after a command that fails, and executes nothing where one was malformed.
    assert admin.get("n") == b"1"
    assert call(client, "GET", "n") == b"1"


def test_pipelined_commands_are_answered_in_their_order(client: RedisClient, admin: Redis) -> None:
    admin.delete("k", "n")
    commands = [("SET", "k", "1"), ("GET", "k"), ("GET", "n"), ("INCR", "k")]
    assert client.execute_all([("k", command) for command in commands]) == [b"OK", b"1", None, 2]
    with pytest.raises(RedisUnavailable):
        client.execute("k", ("INCR", "k"), ("GET",), ("INCR", "k"))
    assert call(client, "GET", "k") == b"4"


def test_sequential_calls_share_one_connection(client: RedisClient, admin: Redis) -> None:
    call(client, "PING")
    before = connected(admin)
    for _ in range(20):
        assert call(client, "PING") == b"PONG"
    assert connected(admin) == before


def test_a_connection_that_died_while_idle_is_replaced_before_use(client: RedisClient, admin: Redis) -> None:
    call(client, "PING")
    admin.client_kill_filter(_type="normal", skipme=True)
    assert call(client, "PING") == b"PONG"


def test_a_command_whose_connection_dies_before_the_reply_is_not_sent_again(client: RedisClient, admin: Redis) -> None:
    """Redis may have executed it: what counts requests must not count one twice."""
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(call, client, "BLPOP", "no such list", 0)
        while not admin.info("clients")["blocked_clients"]:
            pass
        admin.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(RedisUnavailable):
            waiting.result()
    assert admin.info("clients")["blocked_clients"] == 0


def test_a_late_reply_is_never_taken_for_another_commands(client: RedisClient, server: RedisServer) -> None:
    call(client, "PING")
    server.pause()
    try:
        with pytest.raises(RedisUnavailable):
            call(client, "ECHO", "late")
    finally:
        server.resume()
    assert call(client, "ECHO", "in time") == b"in time"


def test_a_port_where_nothing_listens_is_unavailable() -> None:
    with pytest.raises(RedisUnavailable) as raised:
        call(client_of(f"redis://127.0.0.1:{free_port()}"), "PING")
    assert raised.value.is_outage


@pytest.mark.parametrize("by_script", [False, True])
def test_a_replica_makes_the_client_connect_again(client: RedisClient, admin: Redis, *, by_script: bool) -> None:
    write = client.script("return redis.call('SET', KEYS[1], ARGV[1])")
    before = call(client, "CLIENT", "ID")
    admin.replicaof("127.0.0.1", free_port())
    try:
        with pytest.raises(RedisUnavailable):
            write(["k"], ["1"]) if by_script else call(client, "SET", "k", "1")
    finally:
        admin.replicaof("NO", "ONE")
    assert call(client, "SET", "k", "1") == b"OK"
    assert call(client, "CLIENT", "ID") != before


def test_threads_get_their_own_replies(client: RedisClient) -> None:
    echo = client.script(ECHO)

    def ask(thread: int) -> bool:
        return all(echo([f"{thread}:"], [number]) == f"{thread}:{number}".encode() for number in range(300))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))


def test_user_password_and_database_are_those_of_the_address(server: RedisServer, admin: Redis) -> None:
    place = server.url.removeprefix("redis://").partition("/")[0]
    admin.execute_command("ACL", "SETUSER", "kv", "on", ">p:@/ä", "~*", "+@all")
    admin.config_set("requirepass", "secret/?")

    with pytest.raises(RedisUnavailable, match="AuthenticationError"):
        call(client_of(server.url), "PING")
    with pytest.raises(RedisUnavailable, match="AuthenticationError"):
        call(client_of(f"redis://:wrong@{place}"), "PING")
    call(client_of(f"redis://:secret%2F%3F@{place}/3"), "SET", "where", "3")
    assert call(client_of(f"redis://kv:p%3A%40%2F%C3%A4@{place}/3"), "GET", "where") == b"3"
    assert call(client_of(f"redis://kv:p%3A%40%2F%C3%A4@{place}"), "GET", "where") is None


class Tokens(CredentialProvider):
    """A provider whose token changes with every connection, as an IAM token does."""

    def __init__(self, admin: Redis) -> None:
        self._admin = admin
        self.issued = 0

    def get_credentials(self) -> tuple[str, str]:
        self.issued += 1
        token = f"token-{self.issued}"
        self._admin.execute_command("ACL", "SETUSER", "iam", "reset", "on", f">{token}", "~*", "+@all")
        return "iam", token


def test_a_credential_provider_is_asked_by_every_new_connection(server: RedisServer, admin: Redis) -> None:
    tokens = Tokens(admin)
    client = client_of(server.url, credentials=tokens)
    assert [call(client, "ACL", "WHOAMI") for _ in range(3)] == [b"iam"] * 3
    assert tokens.issued == 1
    admin.client_kill_filter(_type="normal", skipme=True)
    assert call(client, "ACL", "WHOAMI") == b"iam"
    assert tokens.issued == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://",
        "http://a",
        "redis://a/b",
        "redis://a?timeout=1",
        "unix:///tmp/redis.sock",
        "redis://a:port",
        "redis://:pa/ss@a",
    ],
)
def test_a_malformed_address_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="A Redis address has the form redis") as raised:
        RedisSettings(url)
    assert "pa/ss" not in str(raised.value)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="REDIS_MODE is standalone or cluster, not 'sentinel'"):
        RedisSettings.from_env({"REDIS_URL": "redis://a", "REDIS_MODE": "sentinel"})


def test_a_server_without_tls_is_never_sent_a_command_over_rediss(server: RedisServer) -> None:
    with pytest.raises(RedisUnavailable):
        call(client_of(server.url.replace("redis://", "rediss://")), "PING")


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@pytest.fixture
def secure_port(ca: trustme.CA, server: RedisServer) -> Iterator[int]:
    """A port that speaks TLS with a certificate of the private CA and forwards to the real server."""
    with tls_proxy(ca.issue_cert("127.0.0.1"), server.port) as port:
        yield port


def test_tls_with_a_private_ca_and_an_acl_user(secure_port: int, ca_file: str, admin: Redis) -> None:
    admin.execute_command("ACL", "SETUSER", "kv", "reset", "on", ">secret", "~{*", "+@all")
    url = f"rediss://kv:secret@127.0.0.1:{secure_port}"
    client = connect(RedisSettings(url, ca_file=ca_file, connect_timeout_s=2, timeout_s=2))
    assert call(client, "ACL", "WHOAMI") == b"kv"
    assert client.script(ECHO)(["{a}"], ["b"]) == b"{a}b"


def test_tls_refuses_a_certificate_of_another_ca_or_for_another_host(
    secure_port: int, ca_file: str, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    for host, trusted in (("127.0.0.1", str(tmp_path / "other.pem")), ("127.0.0.1", None), ("localhost", ca_file)):
        settings = RedisSettings(f"rediss://{host}:{secure_port}", ca_file=trusted, connect_timeout_s=2, timeout_s=2)
        with pytest.raises(RedisUnavailable):
            call(connect(settings), "PING")


def test_the_mode_is_standalone_unless_the_environment_names_another() -> None:
    assert RedisSettings.from_env({"REDIS_URL": "redis://a"}).mode is RedisMode.STANDALONE
    assert RedisSettings.from_env({"REDIS_URL": "redis://a", "REDIS_MODE": "cluster"}).mode is RedisMode.CLUSTER
