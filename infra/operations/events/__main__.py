"""`python -m infra.operations.events`: print the events that pass on a stage's bus, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from infra import terminal
from infra.deploy import stage as stages
from infra.deploy.target import cloud_of
from infra.operations.events.format import show
from infra.operations.events.tap import Tap
from infra.repository import Repository
from infra.signals import StopRequested, stopping_on_request

if TYPE_CHECKING:
    from infra.deploy.cloud import Cloud


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="infra.operations.events", description=__doc__)
    parser.add_argument("--stage", default=stages.LOCAL)
    parser.add_argument("--name", help="of the events wanted, such as ApiKeyIssued")
    parser.add_argument("--account", help="that the events wanted are about")
    parser.add_argument("--json", action="store_true", help="the events as EventBridge delivers them")
    given = parser.parse_args()
    return terminal.run(
        lambda: follow(
            cloud_of(Repository.here(), given.stage),
            given.stage,
            name=given.name,
            account=given.account,
            as_json=given.json,
        )
    )


def follow(cloud: Cloud, stage: str, *, name: str | None, account: str | None, as_json: bool) -> None:
    """Print events as they pass, until Ctrl-C or SIGTERM; nothing is left behind."""
    tap = Tap(cloud.client("events"), cloud.client("sqs"), stage, name=name, account=account)
    color = terminal.has_color()
    try:
        with terminal.ended_by_ctrl_c(), stopping_on_request(), tap:
            print(f"What passes on kv-{stage} follows. Ctrl-C ends it.", file=sys.stderr, flush=True)
            while True:
                for event in tap.receive():
                    terminal.say(event if as_json else show(event, color=color))
    except StopRequested:
        return


if __name__ == "__main__":
    sys.exit(main())
