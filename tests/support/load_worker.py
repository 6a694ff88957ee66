"""A worker process that serves requests at full speed: `python -m tests.support.load_worker`.

Arguments: API key, namespace, seconds. Prints "ready", reads the start time (Unix time), and prints the
numbers of admitted and denied requests.
"""

from __future__ import annotations

import json
import sys
import time

from kv_service.http.app import create_app
from tests.support.kv_process import event


def _silence(_line: dict[str, object]) -> None:
    """Discard the log lines of requests."""


def main(key: str, namespace: str, seconds: float) -> None:
    app = create_app()
    app._log = _silence
    request = event(
        "GET", "/v1/{namespace}/{key}", {"namespace": namespace, "key": "nothing"}, headers={"x-api-key": key}
    )
    # Opens the connections; the namespace does not exist, so that the request is denied before the bucket.
    warm = event("GET", "/v1/{namespace}/{key}", {"namespace": "warm-up", "key": "x"}, headers={"x-api-key": key})
    app(warm, None)
    print("ready", flush=True)
    start = float(input())
    counts = {404: 0, 429: 0}
    while time.time() < start:
        pass
    while time.time() < start + seconds:
        counts[app(request, None)["statusCode"]] += 1
    print(json.dumps({"admitted": counts[404], "refused": counts[429]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
