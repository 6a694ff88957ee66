"""A worker of kv's jobs that is killed repeatedly: `python -m tests.support.crash_worker`.

Arguments: an account, one of its jobs, the number of kills, a seed. Each run is a forked process that works on the job.
SIGKILL ends it at a random time; the last run is not killed. Prints the number of runs that were killed.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys

from kv_service.transfers import exporter, importer
from tests.support.transfers import Worker

MAX_RUN_S = 0.06


def main(account_id: str, job_id: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    # Minimal steps, so that most runs are killed between steps.
    exporter._LEAST_PART = 500
    importer._CHUNK_KEYS = 3
    importer._BLOCK_BYTES = 1_000
    # Created once, before the first fork; each run opens its own connections.
    worker = Worker()
    interrupted = 0
    for run in range(kills + 1):
        seconds = None if run == kills else chance.uniform(0.005, MAX_RUN_S)
        interrupted += not _run(worker, account_id, job_id, seconds)
    print(json.dumps({"interrupted": interrupted}))


def _run(worker: Worker, account_id: str, job_id: str, seconds: float | None) -> bool:
    """Work on the job in a child process for `seconds` at most, and return whether it was completed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            worker.finish(account_id, job_id)
            os.write(write, b"done")
        finally:
            os._exit(0)
    os.close(write)
    if not select.select([read], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    output = os.read(read, 10)
    os.close(read)
    os.waitpid(child, 0)
    return output == b"done"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
