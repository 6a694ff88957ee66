"""The AWS emulator (ministack) as a child process."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from infra.deploy.cloud import EMULATOR_KEY, EMULATOR_SECRET
from infra.local.errors import LocalError
from infra.local.ports import HOST
from infra.local.process import Process

if TYPE_CHECKING:
    from pathlib import Path

REGION = "us-east-1"
#: Codes that Cognito sends by mail are fixed in the emulator.
SIGN_UP_CODE = "123456"
_READY_SECONDS = 60.0
#: No proxy leads to this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Emulator:
    """One emulator on a fixed port. It keeps its state only when it `persist`s, and only when it is stopped orderly."""

    def __init__(self, folder: Path, port: int, program: Path, *, persist: bool) -> None:
        self._folder = folder
        self._program = program
        self._persist = persist
        self._process: Process | None = None
        self.port = port

    @property
    def endpoint(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://{HOST}:{self.port}"

    @property
    def process(self) -> Process | None:
        """The running emulator."""
        return self._process

    def start(self) -> None:
        """Start the emulator and wait until it is healthy."""
        temporary = self._folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # unpacked functions of earlier runs
        temporary.mkdir(parents=True, exist_ok=True)
        environment = {
            # Nothing of the developer's shell: an AWS_PROFILE or AWS_ENDPOINT_URL there is not meant for this.
            "PATH": f"{self._program.parent}:{os.defpath}",
            "HOME": str(self._folder),
            "TMPDIR": str(temporary),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,  # its default is every interface, and it executes code
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            "AWS_ACCESS_KEY_ID": EMULATOR_KEY,
            "AWS_SECRET_ACCESS_KEY": EMULATOR_SECRET,
            "AUTH": "true",  # signatures and IAM policies are enforced as in AWS
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{self._folder}/no-docker.sock",
            "IOT_MTLS_ENABLED": "0",  # would listen on every interface
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "INFO",
            "PERSIST_STATE": "1" if self._persist else "0",
            "STATE_DIR": str(self._folder / "aws"),
        }
        log = self._folder / "emulator.log"
        self._process = Process("The emulator", [str(self._program)], environment, log)
        self._await_health(self._process)

    def stop(self) -> None:
        """Stop the emulator; it writes its state first when it persists."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def mailbox(self) -> list[dict[str, Any]]:
        """Every mail that was sent so far, oldest first."""
        with _OPENER.open(f"{self.endpoint}/_ministack/ses/messages") as answer:
            by_account: dict[str, list[dict[str, Any]]] = json.load(answer)["messages"]
        return [mail for mails in by_account.values() for mail in mails]

    def _await_health(self, process: Process) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            process.require_running()
            try:
                with _OPENER.open(f"{self.endpoint}/_ministack/health", timeout=2):
                    return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LocalError(f"The emulator is not healthy. The end of its log:\n{process.tail()}") from error
                time.sleep(0.05)
