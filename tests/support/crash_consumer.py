"""A consumer that is killed over and over: `python -m tests.support.crash_consumer`.

Arguments: a file with the messages' bodies, a line each; how many times to kill; a seed. Each life is a process of its
own, forked from this one, that hands messages to usage's function and says which it began and which are done. SIGKILL
ends it at a random moment. What was not done comes again in the next life, in another order, and some of what was.
The last life may finish. Prints how many lives ended with a message begun and not done.
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

LONGEST_LIFE_S = 0.08
REPEATED = 3


def main(path: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    # Bound once and before the first fork: what is measured is the work, and not the start of an interpreter.
    consumer = Consumer("usage", handlers(), log=lambda _line: None)
    bodies = Path(path).read_text("utf-8").splitlines()
    left = set(range(len(bodies)))
    interrupted = 0
    for life in range(kills + 1):
        order = [*left, *chance.sample(range(len(bodies)), k=REPEATED)]
        chance.shuffle(order)
        is_last = life == kills
        begun, done = _live(consumer, bodies, order, None if is_last else chance.uniform(0.005, LONGEST_LIFE_S))
        interrupted += begun > len(done)
        left.difference_update(done)
    print(json.dumps({"interrupted": interrupted, "left": len(left)}))


def _live(consumer: Consumer, bodies: list[str], order: list[int], seconds: float | None) -> tuple[int, list[int]]:
    """Return how many messages a life began, and which it finished."""
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
    lines = [line.split() for line in _hear(read, child, seconds).splitlines()]
    os.close(read)
    os.waitpid(child, 0)
    return sum(word == "begun" for word, _ in lines), [int(number) for word, number in lines if word == "done"]


def _hear(pipe: int, child: int, seconds: float | None) -> str:
    """Return all that the child says; kill it after so many seconds."""
    heard = b""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        if select.select([pipe], [], [], wait)[0]:
            said = os.read(pipe, 65_536)
            if not said:
                return heard.decode()
            heard += said
        else:
            os.kill(child, signal.SIGKILL)
            deadline = None


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
