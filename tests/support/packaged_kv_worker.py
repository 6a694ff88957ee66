"""Serves kv from its package in an isolated interpreter, like Lambda: development packages cannot be imported.

The first line on standard input is the search path, every further line a request: the time in milliseconds and the
gateway event. Each response is a line on standard output.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the handler's log lines
    sys.path[:0] = json.loads(sys.stdin.readline())
    from kv_service.container import bootstrap
    from kv_service.http.app import create_app

    now_ms = 0
    app = create_app(lambda: bootstrap(now_ms=lambda: now_ms))
    for line in sys.stdin:
        now_ms, event = json.loads(line)
        responses.write(json.dumps(app(event, None)) + "\n")
        responses.flush()


if __name__ == "__main__":
    main()
