"""docs/api.md, executed line by line and compared with the responses that it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from infra.deploy.stage import LOCAL
from infra.paddle_simulator import keys
from infra.paddle_simulator.simulator import webhook
from tests.support.alerts import alerts, mails
from tests.support.paddle import Customer
from tests.support.tenant import PASSWORD, RESET_CODE, SIGN_UP_CODE, Tenant, new_email
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from infra.local.environment import LocalEnvironment

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
_OPERATION = re.compile(
    r"^`(?P<route>[A-Z]+ /\S+)` · .*?^```bash\n(?P<line>.*?)^```\n\n→ \*\*(?P<status>\d+)\*\*(?P<result>.*?)$",
    re.MULTILINE | re.DOTALL,
)
_GIVEN = re.compile(r"`\$(\w+)` is its `([\w.]+)`")
# What curl says beside the answer is the status alone.
_CURL = """curl() { command curl --silent --show-error --output "$ANSWER" --write-out '%{http_code}' "$@"; }\n"""


@dataclass(frozen=True)
class Line:
    """A command of the page: its route, the documented status, and the fields of the response that are used later."""

    route: str
    line: str
    status: str
    given: dict[str, str]


LINES = [
    Line(found["route"], found["line"], found["status"], dict(_GIVEN.findall(found["result"])))
    for found in _OPERATION.finditer(PAGE.read_text())
]


class Reader:
    """A reader who executes the page, with shell variables."""

    def __init__(self, local: LocalEnvironment, http: httpx.Client, folder: Path) -> None:
        self._local = local
        self._http = http
        self._answer = folder / "answer"
        self.variables = {
            "KV_URL": local.base_url,
            "EMAIL": new_email(),
            "PASSWORD": PASSWORD,
            "CODE": SIGN_UP_CODE,
            "RESET_CODE": RESET_CODE,
        }
        # Steps between the commands, outside of the API.
        self._before: dict[str, Callable[[], None]] = {
            "POST /v1/jobs/{job}/start": self._upload,
            "DELETE /v1/jobs/{job}": self._finish_job,
            "GET /v1/alerts": lambda: _await(lambda: alerts(self.tenant)),
            "GET /v1/alerts/unsubscribe": self._open_mail,
            "PATCH /v1/billing/subscription": self._pay,
            "POST /v1/webhooks/paddle": self._sign,
        }

    @property
    def tenant(self) -> Tenant:
        session = {"access_token": self.variables["TOKEN"]}
        return Tenant(self._http, self.variables["EMAIL"], self.variables["ACCOUNT_ID"], session)

    def follow(self, line: Line) -> None:
        """Execute a command and keep the fields that are used later."""
        self._before.get(line.route, lambda: None)()
        self._answer.write_text("")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _CURL + line.line],
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*", "ANSWER": str(self._answer), **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        response = self._answer.read_text()
        assert (done.stdout, done.stderr) == (line.status, ""), f"{line.line}{response}"
        for variable, path in line.given.items():
            self.variables[variable] = _member(json.loads(response), path)

    def _upload(self) -> None:
        file = b'{"key": "imported", "value": 1}\n'
        headers = {"Content-Type": "application/x-ndjson"}
        assert self._http.put(self.variables["UPLOAD_URL"], content=file, headers=headers).status_code == 200

    def _finish_job(self) -> None:
        path = f"/v1/jobs/{self.variables['JOB']}"
        _await(lambda: self._http.get(path, headers=self.tenant.bearer).json()["status"] == "done")

    def _open_mail(self) -> None:
        mail = _await(lambda: mails(self._local, self.tenant))[0]
        (token,) = re.findall(r"/v1/alerts/unsubscribe\?token=(\S+)", mail["BodyText"])
        self.variables["UNSUBSCRIBE"] = token

    def _pay(self) -> None:
        self._customer = Customer(self._local, self._http, self.tenant)
        assert self._customer.tell("subscription.activated").status_code == 200
        _await(lambda: self._customer.subscription()["plan"] == "pro")

    def _sign(self) -> None:
        event = webhook("subscription.updated", self._customer.bought, datetime.now(UTC))
        secrets = keys.webhook_secrets(self._local.aws_client("secretsmanager"), LOCAL)
        self.variables["EVENT"] = event.body.decode()
        self.variables["SIGNATURE"] = event.header(secrets, sent_s=time())


def _await(look: Callable[[], Any]) -> Any:
    return await_value(look, within=30)


def _member(response: Any, path: str) -> str:
    for name in path.split("."):
        response = response[int(name)] if name.isdecimal() else response[name]
    return str(response)


def test_page_has_a_line_for_every_operation() -> None:
    routes = [f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods]
    assert sorted(line.route for line in LINES) == sorted(routes)


def test_every_line_has_the_documented_result(local: LocalEnvironment, http: httpx.Client, tmp_path: Path) -> None:
    reader = Reader(local, http, tmp_path)
    for line in LINES:
        reader.follow(line)
