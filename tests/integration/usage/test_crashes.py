"""A consumer that is killed at any point: its message is redelivered, and the totals are exact."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

from tests.support.kv_process import environment_of
from tests.support.metering import body, expected, make_events

if TYPE_CHECKING:
    from pathlib import Path

    from infra.local.environment import LocalEnvironment
    from tests.integration.usage.conftest import Usage

KILLS = 200
EVENTS = 2_500


def test_totals_are_exact_after_two_hundred_kills(local: LocalEnvironment, usage: Usage, tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    accounts = [str(uuid.uuid4()) for _ in range(3)]
    events = make_events(random.Random(seed), accounts, events=EVENTS)
    messages = tmp_path / "messages"
    messages.write_text("\n".join(body(event) for event in events))
    env = {**os.environ, **environment_of(local, "usage"), "STAGE": "local"}

    run = subprocess.run(
        [sys.executable, "-m", "tests.support.crash_consumer", str(messages), str(KILLS), str(seed)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )

    outcome = json.loads(run.stdout.splitlines()[-1])
    assert outcome["left"] == 0
    # Nearly all were killed in the middle of something; the rest between two messages, or before the first.
    assert outcome["interrupted"] > KILLS // 2
    assert usage.totals(accounts) == expected(events)
