"""`python -m infra.local`: run everything locally, stop it, print its URL, or redeploy on save."""

from __future__ import annotations

import argparse
import sys

from infra import terminal
from infra.local import supervisor
from infra.local.run_file import RunFile
from infra.local.watch import watch
from infra.repository import Repository


def main() -> int:
    """Parse the command line and run it."""
    repository = Repository.here()
    parser = argparse.ArgumentParser(prog="infra.local", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="start, deploy, and stay until Ctrl-C")
    run.add_argument("--port", type=int, default=supervisor.DEFAULT_PORT, help="of the emulator")
    run.add_argument("--redis-port", type=int, default=supervisor.DEFAULT_REDIS_PORT)
    run.set_defaults(command=lambda given: supervisor.run(repository, given.port, given.redis_port, terminal.say))
    stop = commands.add_parser("stop", help="stop a run; its data stays")
    stop.set_defaults(command=lambda _: supervisor.stop(repository, terminal.say))
    url = commands.add_parser("url", help="print the base URL of the HTTP API")
    url.set_defaults(command=lambda _: terminal.say(RunFile(repository.local).require().base_url))
    watcher = commands.add_parser("watch", help="redeploy a service on every save")
    watcher.add_argument("service", nargs="?", default="")
    watcher.set_defaults(command=lambda given: watch(repository, given.service, terminal.say))
    arguments = parser.parse_args()
    return terminal.run(lambda: arguments.command(arguments))


if __name__ == "__main__":
    sys.exit(main())
