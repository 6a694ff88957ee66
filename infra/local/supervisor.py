"""The supervisor behind `make run`: starts the local environment, watches over it, and stops it in order."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from infra import terminal
from infra.deploy.stage import LOCAL
from infra.local.environment import LocalEnvironment
from infra.local.errors import LocalError
from infra.local.ports import require_free
from infra.local.run_file import RunFile, Running
from infra.local.seed import seed
from infra.operations.logs.format import show
from infra.operations.logs.function_logs import FunctionLogs
from infra.signals import StopRequested, stopping_on_request, without_interruption

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.local.seed import Demo
    from infra.repository import Repository

DEFAULT_PORT = 4566
DEFAULT_REDIS_PORT = 6390
_POLL_SECONDS = 0.5
_STOP_SECONDS = 60.0


def run(repository: Repository, port: int, redis_port: int, say: Callable[[str], None]) -> None:
    """Start everything, deploy it, and stay until Ctrl-C, `make stop`, or the end of one of the servers."""
    run_file = RunFile(repository.local)
    _refuse_second_run(run_file)
    require_free(port, variable="PORT", what="the emulator")
    require_free(redis_port, variable="REDIS_PORT", what="Redis")
    started = time.monotonic()
    with stopping_on_request():
        environment = LocalEnvironment(
            repository.local, persist=True, port=port, redis_port=redis_port, repository=repository, say=say
        )
        try:
            say(f"Starting the emulator on port {port} and Redis on port {redis_port} …")
            environment.start()
            run_file.write(
                Running(
                    os.getpid(),
                    environment.base_url,
                    environment.aws_endpoint,
                    environment.redis_url,
                    environment.paddle.url,
                )
            )
            environment.deploy()
            demo = seed(environment.base_url, repository.local, say)
            say(_welcome(environment, demo, time.monotonic() - started))
            _watch_over(environment, say)
        except (KeyboardInterrupt, StopRequested):
            say("\nStopping; the data is kept …")
        finally:
            without_interruption(environment.stop)
            run_file.remove()
    say("Stopped.")


def stop(repository: Repository, say: Callable[[str], None]) -> None:
    """End a run from outside and wait until it has written its data."""
    run_file = RunFile(repository.local)
    running = run_file.read()
    if running is None:
        say("Nothing runs here.")
        return
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while run_file.read() is not None:
        if time.monotonic() > deadline:
            raise LocalError(f"The supervisor (process {running.pid}) does not stop. See its terminal.")
        time.sleep(0.1)
    say("Stopped.")


def _refuse_second_run(run_file: RunFile) -> None:
    running = run_file.read()
    if running is not None:
        raise LocalError(f"It runs already: {running.base_url} (process {running.pid}). End it first: make stop")


def _watch_over(environment: LocalEnvironment, say: Callable[[str], None]) -> None:
    """Print what the functions log, until one of the servers ends."""
    logs = FunctionLogs(environment.aws_client("logs"), LOCAL, since_ms=int(time.time() * 1000))
    color = terminal.has_color()
    while True:
        for server in (environment.emulator.process, environment.redis.process):
            if server is not None:
                server.require_running()
        for line in logs.new_lines():
            say(show(line, color=color))
        time.sleep(_POLL_SECONDS)


def _welcome(environment: LocalEnvironment, demo: Demo | None, seconds: float) -> str:
    lines = [
        "",
        f"KV Storage runs (ready in {seconds:.1f} s).",
        "",
        f"  base URL   {environment.base_url}",
        f"  AWS        {environment.aws_endpoint}  (access key test, secret test, region us-east-1)",
        f"  Redis      {environment.redis_url}",
        f"  logs       {environment.state_dir}/emulator.log",
    ]
    if demo is not None:
        value = f"{environment.base_url}/v1/{demo.namespace}/hello"
        lines += [
            f"  account    {demo.email} / {demo.password}",
            f"  API key    {demo.api_key}",
            "",
            "Try it:",
            "",
            f"  curl -X PUT {value} -H 'x-api-key: {demo.api_key}' -H 'content-type: application/json' \\",
            """       -d '{"value": {"greeting": "hello"}}'""",
            f"  curl {value} -H 'x-api-key: {demo.api_key}'",
        ]
    return "\n".join([*lines, "", "What the functions log follows. Ctrl-C stops it; the data is kept.", ""])
