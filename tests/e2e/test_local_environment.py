"""The local environment and deployments to it, with a sample repository."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.deploy.errors import DeploymentError
from infra.local.environment import LocalEnvironment
from infra.local.ports import free_port
from infra.local.run_file import RunFile
from infra.repository import PLATFORM_STACKS, Repository, Service
from tests.support.sample_repository import make_sample, set_prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, build: Path) -> Repository:
    return make_sample(tmp_path_factory.mktemp("sample"), Repository.here(), build)


@pytest.fixture(scope="module")
def environment(sample: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    # Variables of a developer's shell must not affect a local run.
    with pytest.MonkeyPatch.context() as shell:
        shell.setenv("AWS_PROFILE", "no-such-profile")
        shell.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        shell.setenv("AWS_DEFAULT_REGION", "eu-west-3")
        shell.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        with LocalEnvironment(tmp_path_factory.mktemp("state"), repository=sample) as running:
            running.deploy()
            yield running


def ask(environment: LocalEnvironment, path: str, **query: str) -> dict[str, Any]:
    with httpx.Client(base_url=environment.base_url, trust_env=False, timeout=30) as client:
        response = client.get(path, params=query)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def table_of(environment: LocalEnvironment, name: str) -> str:
    return environment.deployment().stack(name).outputs()["TableName"]


def test_route_reaches_its_service(environment: LocalEnvironment) -> None:
    assert ask(environment, "/v1/auth/lamp") == {"route": "GET /v1/auth/{thing}", "stage": "local"}
    assert ask(environment, "/v1/shop/lamp") == {"route": "GET /v1/shop/{thing}", "stage": "local"}


def test_unmatched_request_reaches_the_default_route_service(environment: LocalEnvironment) -> None:
    assert ask(environment, "/v1/nowhere/at/all")["route"] == "$default"


def test_function_has_only_the_permissions_of_its_policy(environment: LocalEnvironment) -> None:
    assert "error" not in ask(environment, "/v1/shop/lamp", table=table_of(environment, "shop"))
    assert "AccessDenied" in ask(environment, "/v1/shop/lamp", table=table_of(environment, "auth"))["error"]


def test_repeated_deployment_changes_nothing(environment: LocalEnvironment, sample: Repository) -> None:
    lines: list[str] = []
    again = LocalEnvironment(environment.state_dir, repository=sample, port=environment.emulator.port, say=lines.append)
    again.redis = environment.redis

    again.deploy()

    assert [line for line in lines if line.endswith("no changes")] == [
        f"kv-local-{name}: no changes" for name in ("artifacts", "bus", "gateway", "identity", "auth", "shop")
    ]


def test_failing_after_deploy_function_fails_the_deployment(environment: LocalEnvironment, sample: Repository) -> None:
    shop = sample.service("shop")
    set_prepare(shop, "fails")
    try:
        with pytest.raises(DeploymentError, match=r"kv-local-shop.*the shelves are empty"):
            environment.deployment().deploy_service(shop)
    finally:
        set_prepare(shop, "works")
        environment.deployment().deploy_service(shop)


def test_deploying_a_service_before_the_platform_names_the_missing_stack(sample: Repository, tmp_path: Path) -> None:
    with LocalEnvironment(tmp_path, repository=sample) as bare:
        deployment = bare.deployment()
        with pytest.raises(DeploymentError, match="make deploy SERVICE=platform STAGE=local"):
            deployment.deploy_service(sample.service("shop"))
        bare.deploy([])
        with pytest.raises(DeploymentError, match="make deploy SERVICE=auth STAGE=local"):
            deployment.deploy_service(sample.service("shop"))


def test_destroyed_stage_leaves_no_stack(sample: Repository, tmp_path: Path) -> None:
    with LocalEnvironment(tmp_path, repository=sample) as doomed:
        doomed.deploy()
        tables = doomed.aws_client("dynamodb")
        shop = next(name for name in tables.list_tables()["TableNames"] if "shop" in name)
        tables.update_table(TableName=shop, DeletionProtectionEnabled=True)
        with pytest.raises(DeploymentError, match=f"{shop} is protected against deletion.*Nothing was deleted"):
            doomed.deployment().destroy()
        assert len(doomed.aws_client("cloudformation").describe_stacks()["Stacks"]) == 2 + len(PLATFORM_STACKS)

        tables.update_table(TableName=shop, DeletionProtectionEnabled=False)
        doomed.deployment().destroy()

        assert doomed.aws_client("cloudformation").describe_stacks()["Stacks"] == []
        assert doomed.aws_client("s3").list_buckets()["Buckets"] == []


def test_redis_can_be_stopped_emptied_and_paused(environment: LocalEnvironment) -> None:
    server = environment.redis
    with redis.Redis(port=server.port, socket_timeout=0.3, retry=Retry(NoBackoff(), 0)) as client:
        client.set("a", "1")

        server.pause()
        with pytest.raises(redis.exceptions.TimeoutError):
            client.ping()
        server.resume()
        assert client.get("a") == b"1"

        server.stop()
        with pytest.raises(redis.exceptions.ConnectionError):
            client.ping()
        server.start(empty=True)
        assert client.get("a") is None


def test_restart_keeps_data_and_deploys_nothing(sample: Repository, tmp_path: Path) -> None:
    port, redis_port = free_port(), free_port()
    with LocalEnvironment(tmp_path, persist=True, repository=sample, port=port, redis_port=redis_port) as first:
        first.deploy(["auth"])
        table = table_of(first, "auth")
        first.aws_client("dynamodb").put_item(TableName=table, Item={"PK": {"S": "kept"}})
        with redis.Redis(port=first.redis.port) as client:
            client.set("kept", "1")

    lines: list[str] = []
    second = LocalEnvironment(
        tmp_path, persist=True, repository=sample, say=lines.append, port=port, redis_port=redis_port
    )
    with second:
        second.deploy(["auth"])

        assert {line for line in lines if line.endswith("no changes")} >= {"kv-local-auth: no changes"}
        assert "Item" in second.aws_client("dynamodb").get_item(TableName=table, Key={"PK": {"S": "kept"}})
        assert ask(second, "/v1/auth/lamp")["stage"] == "local"
        with redis.Redis(port=second.redis.port) as client:
            assert client.get("kept") == b"1"


class Supervisor:
    """`make run` on the sample repository, in a process of its own."""

    def __init__(self, repository: Repository, port: int, redis_port: int) -> None:
        self.run_file = RunFile(repository.local)
        self._log = repository.root / f"run-{port}.log"
        command = (
            "import signal, sys, pathlib\n"
            # Tests in the background ignore Ctrl-C.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from infra import terminal\n"
            "from infra.local import supervisor\n"
            "from infra.repository import Repository\n"
            f"repository = Repository(pathlib.Path({str(repository.root)!r}))\n"
            f"sys.exit(terminal.run(lambda: supervisor.run(repository, {port}, {redis_port}, terminal.say)))\n"
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", command], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def said(self) -> str:
        return self._log.read_text()

    def await_line(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self._process.poll() is None or text in self.said(), self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def wait(self) -> int:
        return self._process.wait(60)


@pytest.fixture
def own_sample(tmp_path: Path, build: Path) -> Repository:
    return make_sample(tmp_path, Repository.here(), build)


def is_listening(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=1, trust_env=False)
    except httpx.ConnectError:
        return False
    except httpx.HTTPError:
        return True
    return True


def test_run_prints_its_url_and_stops_cleanly_on_ctrl_c(own_sample: Repository) -> None:
    port, redis_port = free_port(), free_port()
    run = Supervisor(own_sample, port, redis_port)

    run.await_line("KV Storage runs")
    assert f"http://127.0.0.1:{port}/_aws/execute-api/kv-local" in run.said()
    second = Supervisor(own_sample, free_port(), free_port())
    assert second.wait() == 1
    assert "It runs already" in second.said()
    run.send(signal.SIGINT)

    assert run.wait() == 0
    assert run.said().rstrip().endswith("Stopped.")
    assert not is_listening(port)
    assert not is_listening(redis_port)
    assert run.run_file.read() is None
    assert (own_sample.local / "aws" / "cloudformation.json").exists()


def test_ctrl_c_during_start_leaves_no_process(own_sample: Repository) -> None:
    port, redis_port = free_port(), free_port()
    run = Supervisor(own_sample, port, redis_port)

    run.await_line("kv-local-artifacts")
    run.send(signal.SIGINT)

    assert run.wait() == 0
    assert not is_listening(port)
    assert not is_listening(redis_port)


def test_run_that_loses_redis_reports_it_and_stops(own_sample: Repository) -> None:
    port, redis_port = free_port(), free_port()
    run = Supervisor(own_sample, port, redis_port)
    run.await_line("KV Storage runs")

    with redis.Redis(port=redis_port) as client:
        client.shutdown(nosave=True)

    assert run.wait() == 1
    assert "Redis ended" in run.said()
    assert not is_listening(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a process when its parent has exited")
def test_killed_run_leaves_no_server(own_sample: Repository) -> None:
    port, redis_port = free_port(), free_port()
    run = Supervisor(own_sample, port, redis_port)
    run.await_line("KV Storage runs")

    run.send(signal.SIGKILL)
    run.wait()

    deadline = time.monotonic() + 20
    while is_listening(port) or is_listening(redis_port):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run.run_file.read() is None
    assert (own_sample.local / "aws" / "cloudformation.json").exists()


def test_busy_port_is_reported_before_anything_starts(own_sample: Repository, environment: LocalEnvironment) -> None:
    run = Supervisor(own_sample, environment.emulator.port, free_port())

    assert run.wait() == 1
    assert f"Port {environment.emulator.port} " in run.said()
    assert "make run PORT=" in run.said()


def test_saving_a_file_deploys_it(own_sample: Repository) -> None:
    service: Service = own_sample.service("auth")
    run = Supervisor(own_sample, free_port(), free_port())
    run.await_line("KV Storage runs")
    running = run.run_file.require()
    command = (
        "import pathlib\nfrom infra import terminal\nfrom infra.local.watch import watch\n"
        "from infra.repository import Repository\n"
        f"watch(Repository(pathlib.Path({str(own_sample.root)!r})), 'auth', terminal.say)"
    )
    watcher = subprocess.Popen(
        [sys.executable, "-u", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert watcher.stdout is not None
        while "live after" not in watcher.stdout.readline():
            pass
        source = service.folder / "app.py"
        source.write_text(source.read_text().replace('"route": event["routeKey"]', '"route": "edited"'))
        while "live after" not in watcher.stdout.readline():
            pass
        response = httpx.get(f"{running.base_url}/v1/auth/lamp", trust_env=False, timeout=30)
        assert response.json()["route"] == "edited"
    finally:
        watcher.terminate()
        watcher.communicate()
        run.send(signal.SIGTERM)
        assert run.wait() == 0
