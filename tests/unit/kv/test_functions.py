"""kv's functions as Lambda calls them: what they take from an event and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from kv_common.errors import Unavailable
from kv_common.http import Api
from kv_service import background, lambdas
from kv_service.metering.flusher import FlushResult
from tests.unit.common.gateway import Context
from tests.unit.kv.test_storage import record


class Tracker:
    """Notes what it is given, unless the table is away."""

    def __init__(self) -> None:
        self.tracked: list[tuple[int, str]] = []
        self.problem: Exception | None = None

    def track(self, records: list[Any], shard: str = "objects") -> None:
        if self.problem is not None:
            raise self.problem
        self.tracked.append((len(records), shard))


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Tracker:
    tracker = Tracker()
    monkeypatch.setattr(background, "tracker", lambda: tracker)
    return tracker


@pytest.fixture(autouse=True)
def object_tracker(monkeypatch: pytest.MonkeyPatch) -> Tracker:
    tracker = Tracker()
    monkeypatch.setattr(background, "object_tracker", lambda: tracker)
    return tracker


def test_the_shard_is_the_one_that_the_window_names(tracker: Tracker) -> None:
    track = lambdas.add_tracker(Api("kv"))
    event = {"Records": [record(1, None, 1)], "shardId": "shardId-7", "state": {}, "isFinalInvokeForWindow": False}
    assert track(event, Context()) == {"state": {}, "batchItemFailures": []}
    assert tracker.tracked == [(1, "shardId-7")]


def test_the_end_of_a_window_brings_no_records_and_is_answered_with_a_state(tracker: Tracker) -> None:
    track = lambdas.add_tracker(Api("kv"))
    event = {"Records": [], "shardId": "shardId-7", "state": {}, "isFinalInvokeForWindow": True}
    # Lambda takes an answer without `state` for a failure.
    assert track(event, Context())["state"] == {}
    assert tracker.tracked == [(0, "shardId-7")]


@pytest.mark.parametrize("failing", ["tracker", "object_tracker"])
def test_what_cannot_be_taken_now_comes_again_from_its_beginning(
    request: pytest.FixtureRequest, tracker: Tracker, failing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request.getfixturevalue(failing).problem = Unavailable()
    track = lambdas.add_tracker(Api("kv"))
    response = track({"Records": [record(41, None, 1), record(42, None, 1)], "shardId": "s"}, Context())
    assert response["batchItemFailures"] == [{"itemIdentifier": "41"}]
    assert len(tracker.tracked) == (failing == "object_tracker")
    assert "changes not taken" in capsys.readouterr().out


class Clock:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Flusher:
    """Flushes one account each time."""

    def __init__(self) -> None:
        self.flushes = 0

    def flush(self) -> FlushResult:
        self.flushes += 1
        return FlushResult(1, 2, 3)


@pytest.mark.parametrize(
    ("every_s", "source", "flushes"),
    [("60", "aws.events", 1), ("20", "aws.events", 3), ("2", "aws.events", 30), ("2", "kv.deploy", 1)],
)
def test_a_schedule_of_a_minute_flushes_as_often_as_the_stage_says(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    every_s: str,
    source: str,
    flushes: int,
) -> None:
    clock, flusher = Clock(), Flusher()
    monkeypatch.setattr(lambdas, "time", clock)
    monkeypatch.setattr(background, "flusher", lambda: flusher)
    monkeypatch.setenv("FLUSH_EVERY_S", every_s)
    monkeypatch.setenv("STAGE", "test")
    event = {
        "version": "0",
        "id": "1",
        "source": source,
        "detail-type": "Scheduled Event",
        "account": "",
        "region": "",
        "time": "",
        "resources": [],
        "detail": {},
    }
    lambdas.add_flusher(Api("kv"))(event, Context())
    assert flusher.flushes == flushes
    assert sum(clock.slept) < 60
    lines = capsys.readouterr().out.splitlines()
    assert sum('"FlushLag":[3.0]' in line for line in lines) == 1
    assert sum('"message":"flushed"' in line for line in lines) == flushes
