"""A consumer that is killed repeatedly: `python -m tests.support.crash_consumer`.

Arguments: a file with one message body per line; the number of kills; a seed. Each run is a forked process that passes
messages to usage's consumer and reports which ones it started and completed. SIGKILL ends it at a random time. The next
run gets the remaining messages and some completed ones, in another order. The last run is not killed. Prints the number
of runs that ended within a message.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from kv_common.events.consumer import Consumer
from tests.support.metering import record
from usage_service.event_handlers import handlers

MAX_RUN_S = 0.08
REPEATED = 3


def main(path: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    # Created once, before the first fork, so that a run does not include the start of an interpreter.
    consumer = Consumer("usage", handlers(), log=lambda _line: None)
    bodies = Path(path).read_text("utf-8").splitlines()
    left = set(range(len(bodies)))
    interrupted = 0
    for run in range(kills + 1):
        order = [*left, *chance.sample(range(len(bodies)), k=REPEATED)]
        chance.shuffle(order)
        is_last = run == kills
        begun, done = _run(consumer, bodies, order, None if is_last else chance.uniform(0.005, MAX_RUN_S))
        interrupted += begun > len(done)
        left.difference_update(done)
    print(json.dumps({"interrupted": interrupted, "left": len(left)}))


def _run(consumer: Consumer, bodies: list[str], order: list[int], seconds: float | None) -> tuple[int, list[int]]:
    """Return how many messages a run started, and the numbers of those that it completed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for number in order:
                os.write(write, f"begun {number}\n".encode())
                if not consumer.consume({"Records": [record(bodies[number])]})["batchItemFailures"]:
                    os.write(write, f"done {number}\n".encode())
        finally:
            os._exit(0)
    os.close(write)
    lines = [line.split() for line in _read_output(read, child, seconds).splitlines()]
    os.close(read)
    os.waitpid(child, 0)
    return sum(word == "begun" for word, _ in lines), [int(number) for word, number in lines if word == "done"]


def _read_output(pipe: int, child: int, seconds: float | None) -> str:
    """Return the output of the child; kill it after `seconds`."""
    output = b""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        if select.select([pipe], [], [], wait)[0]:
            chunk = os.read(pipe, 65_536)
            if not chunk:
                return output.decode()
            output += chunk
        else:
            os.kill(child, signal.SIGKILL)
            deadline = None


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
