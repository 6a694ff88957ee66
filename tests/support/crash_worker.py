"""A worker of kv's jobs that is killed over and over: `python -m tests.support.crash_worker`.

Arguments: an account, one of its jobs, how many times to kill, a seed. Each life is a process of its own, forked from
this one, that does the job's turns. SIGKILL ends it at a random moment; the last life may finish. Prints how many lives
were ended before they were done.
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

LONGEST_LIFE_S = 0.06


def main(account_id: str, job_id: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    # Steps as small as they can be: what is measured is dying between them.
    exporter._LEAST_PART = 500
    importer._CHUNK_KEYS = 3
    importer._BLOCK_BYTES = 1_000
    # Bound once and before the first fork; connections are made in each life anew.
    worker = Worker()
    interrupted = 0
    for life in range(kills + 1):
        seconds = None if life == kills else chance.uniform(0.005, LONGEST_LIFE_S)
        interrupted += not _live(worker, account_id, job_id, seconds)
    print(json.dumps({"interrupted": interrupted}))


def _live(worker: Worker, account_id: str, job_id: str, seconds: float | None) -> bool:
    """Work on the job; kill whoever does after so many seconds, and tell whether it was done by then."""
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
    said = os.read(read, 10)
    os.close(read)
    os.waitpid(child, 0)
    return said == b"done"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
