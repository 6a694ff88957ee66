"""Taps on the bus, on the emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from infra.operations.events.errors import EventsError
from infra.operations.events.tap import Tap
from infra.repository import Repository
from tests.support.waiting import await_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.environment import LocalEnvironment

BUS = "kv-local"


def send(local: LocalEnvironment, name: str, account: str, source: str = "kv.test") -> None:
    detail = {"id": uuid.uuid4().hex, "account_id": account, "occurred_at": "2026-11-20T10:00:00.000000Z", "data": {}}
    entry = {"EventBusName": BUS, "Source": source, "DetailType": name, "Detail": json.dumps(detail)}
    assert local.aws_client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def tap(local: LocalEnvironment, **wanted: str | None) -> Tap:
    return Tap(local.aws_client("events"), local.aws_client("sqs"), "local", **wanted)


def standing(local: LocalEnvironment) -> set[str]:
    """The names of all taps' rules and queues."""
    prefix = f"{BUS}-tap-"
    rules = local.aws_client("events").list_rules(EventBusName=BUS, NamePrefix=prefix)["Rules"]
    urls = local.aws_client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    return {rule["Name"] for rule in rules} | {url.rsplit("/", 1)[1] for url in urls}


@pytest.fixture
def account() -> str:
    return str(uuid.uuid4())


def test_what_passes_comes_out_once_and_nothing_stays_behind(local: LocalEnvironment, account: str) -> None:
    with tap(local, account=account) as opened:
        assert standing(local) == {opened.name}
        send(local, "AccountDeleted", account)
        (text,) = await_value(lambda: list(opened.receive(wait_seconds=1)), within=5)
        assert list(opened.receive(wait_seconds=0)) == []

    event = json.loads(text)
    assert (event["source"], event["detail-type"], event["detail"]["account_id"]) == (
        "kv.test",
        "AccountDeleted",
        account,
    )
    assert standing(local) == set()


def test_others_accounts_names_and_sources_are_left_out(local: LocalEnvironment, account: str) -> None:
    with tap(local, account=account, name="AccountDeleted") as opened:
        send(local, "AccountDeleted", str(uuid.uuid4()))
        send(local, "AccountCreated", account)
        send(local, "AccountDeleted", account, source="somebody.else")
        send(local, "AccountDeleted", account)
        (text,) = await_value(lambda: list(opened.receive(wait_seconds=1)), within=5)

    assert json.loads(text)["detail-type"] == "AccountDeleted"


def test_an_unknown_event_is_named_together_with_those_there_are(local: LocalEnvironment) -> None:
    with pytest.raises(EventsError, match=r"no event AcountCreated.*AccountCreated"):
        tap(local, name="AcountCreated")


def test_a_stage_without_a_bus_is_said_and_leaves_nothing(local: LocalEnvironment) -> None:
    sqs = local.aws_client("sqs")
    with pytest.raises(EventsError, match="no bus kv-nowhere"), Tap(local.aws_client("events"), sqs, "nowhere"):
        pytest.fail("there is no such bus")
    assert sqs.list_queues(QueueNamePrefix="kv-nowhere").get("QueueUrls", []) == []


class Command:
    """`make events`, in a process of its own."""

    def __init__(self, local: LocalEnvironment, account: str) -> None:
        command = (
            "import signal, sys\n"
            # Whoever runs the tests in the background has them ignore Ctrl-C.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from infra import terminal\n"
            "from infra.deploy.cloud import Cloud\n"
            "from infra.operations.events.__main__ import follow\n"
            f"cloud = Cloud.emulator({local.aws_endpoint!r}, 'us-east-1')\n"
            f"sys.exit(terminal.run(lambda: follow(cloud, 'local', name=None, account={account!r}, as_json=False)))\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", command],
            cwd=Repository.here().root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        assert "kv-local" in self.process.stderr.readline()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self, number: signal.Signals) -> int:
        os.kill(self.process.pid, number)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def command(local: LocalEnvironment, account: str) -> Iterator[Command]:
    started = Command(local, account)
    yield started
    if started.process.poll() is None:
        started.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_what_passes_and_leaves_nothing_however_it_is_ended(
    local: LocalEnvironment, command: Command, account: str, number: signal.Signals
) -> None:
    send(local, "AccountDeleted", account)

    line = command.line()

    assert line.startswith("2026-11-20T10:00:00.000000Z kv.test    AccountDeleted")
    assert f"account={account}" in line
    assert len(standing(local)) == 1
    assert command.end(number) == 0
    assert standing(local) == set()


def test_what_a_killed_command_left_is_removed_by_the_next_and_what_others_use_is_not(
    local: LocalEnvironment, command: Command
) -> None:
    with tap(local) as mine:
        (killed,) = standing(local) - {mine.name}
        command.end(signal.SIGKILL)
        assert killed in standing(local)

        with tap(local) as next_one:
            assert standing(local) == {mine.name, next_one.name}


def test_what_another_machine_left_is_removed_once_nobody_can_be_using_it(
    local: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.operations.events.tap.platform.node", lambda: "elsewhere")
    old, used = tap(local), tap(local)
    used.__enter__()
    monkeypatch.setattr("infra.operations.events.tap.time.time", lambda: 1_000_000.0)
    old.name = tap(local).name
    old._open()
    monkeypatch.undo()

    with tap(local) as opened:
        assert standing(local) == {used.name, opened.name}
    used.__exit__(None, None, None)


def test_the_longest_name_of_a_stage_leaves_room_for_a_tap(local: LocalEnvironment) -> None:
    events: Any = local.aws_client("events")
    assert len(Tap(events, local.aws_client("sqs"), "s" * 20).name) <= 64
