"""`python -m infra.operations.logs`: show what the functions of a stage log, until Ctrl-C."""

from __future__ import annotations

import argparse
import re
import sys
import time
from typing import TYPE_CHECKING

from infra import terminal
from infra.deploy import stage as stages
from infra.deploy.target import cloud_of
from infra.operations.logs.errors import LogError
from infra.operations.logs.format import show
from infra.operations.logs.function_logs import LATE_LOCALLY_MS, LATE_MS, FunctionLogs
from infra.repository import Repository

if TYPE_CHECKING:
    from infra.deploy.cloud import Cloud

#: CloudWatch takes few questions a second, and there is one for every function.
_POLL_SECONDS = 2.0
_POLL_LOCALLY_SECONDS = 0.5
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="infra.operations.logs", description=__doc__)
    parser.add_argument("--stage", default=stages.LOCAL)
    parser.add_argument("--id", help="of a request (correlation id), an event or a message")
    parser.add_argument("--service")
    parser.add_argument("--since", default="10m", help="how far back to begin: 30s, 10m, 2h, 1d")
    parser.add_argument("--json", action="store_true", help="the lines as they were logged")
    parser.add_argument("--once", action="store_true", help="show what there is and end")
    given = parser.parse_args()
    return terminal.run(lambda: _run(given))


def milliseconds(text: str) -> int:
    """The length of a time such as 10m."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise LogError(f"SINCE={text} is no length of time: say 30s, 10m, 2h or 1d.")
    return int(match[1]) * _SECONDS[match[2]] * 1000


def follow(cloud: Cloud, logs: FunctionLogs, *, as_json: bool, once: bool) -> None:
    """Print lines as they come, until Ctrl-C, or those there are `once`."""
    color = terminal.has_color()
    with terminal.ended_by_ctrl_c():
        while True:
            for line in logs.new_lines():
                terminal.say(line.message if as_json else show(line, color=color))
            if once:
                return
            time.sleep(_POLL_LOCALLY_SECONDS if cloud.endpoint else _POLL_SECONDS)


def _run(given: argparse.Namespace) -> None:
    since_ms = int(time.time() * 1000) - milliseconds(given.since)
    cloud = cloud_of(Repository.here(), given.stage)
    logs = FunctionLogs(
        cloud.client("logs"),
        given.stage,
        since_ms=since_ms,
        late_ms=LATE_LOCALLY_MS if cloud.endpoint else LATE_MS,
        service=given.service,
        wanted=given.id,
    )
    logs.require_any()
    follow(cloud, logs, as_json=given.json, once=given.once)


if __name__ == "__main__":
    sys.exit(main())
