"""Measures Kinto in process, in its own virtual environment: `python kinto_probe.py`, never imported.

It reads one JSON object from standard input: `settings` of Kinto, `value`, `page`, `rounds` and `requests`. It calls
the WSGI application directly, as our handler is called, with the same operations: get, put, list, and a conditional
get. It writes the times of each round in milliseconds.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import statistics
import sys
import time
from importlib import metadata
from typing import Any

Json = dict[str, Any]
_RECORDS = "/v1/buckets/bench/collections/values/records"
_USER = "Basic " + base64.b64encode(b"bench:secret").decode()


class WsgiClient:
    """A client that calls a WSGI application in process."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers and body."""
        path, _, query = path.partition("?")
        environment = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": _USER,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        started: list[Any] = []
        chunks = self._application(environment, lambda status, headers, _=None: started.extend((status, headers)))
        text = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        return int(started[0].split()[0]), dict(started[1]), text


def main() -> None:
    """Fill a collection and measure."""
    job = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    from kinto import main as kinto
    from kinto.authorization import RouteFactory
    from kinto.core.scripts import migrate
    from pyramid.config import Configurator

    config = Configurator(settings=job["settings"], root_factory=RouteFactory)
    kinto({"command": "migrate"}, config=config)
    migrate({"registry": config.registry})
    client = WsgiClient(kinto({}, **job["settings"]))
    etag = _fill(client, job["value"], job["page"])
    body = json.dumps({"data": {"value": json.loads(job["value"])}}).encode()
    operations: dict[str, tuple[int, Any]] = {
        "get": (200, lambda: client.send("GET", f"{_RECORDS}/user-00000042")),
        "put": (200, lambda: client.send("PUT", f"{_RECORDS}/user-00000042", body)),
        "list": (200, lambda: client.send("GET", f"{_RECORDS}?_limit={job['page']}&_fields=id,last_modified")),
        "not_modified": (304, lambda: client.send("GET", f"{_RECORDS}/user-00000007", if_none_match=etag)),
    }
    measured: dict[str, list[Json]] = {name: [] for name in operations}
    for name, (status, send) in operations.items():
        for _ in range(20):
            if (response := send())[0] != status:
                raise SystemExit(f"Kinto returned {response[0]} for {name}: {response[2]!r}")
    for _ in range(job["rounds"]):
        for name, (_, send) in operations.items():
            measured[name].append(_timed(send, job["requests"]))
    json.dump({"version": metadata.version("kinto"), "operations": measured}, sys.stdout)


def _fill(client: WsgiClient, value: str, page: int) -> str:
    """Create the collection and two pages of records; return the ETag of one."""
    for path in ("/v1/buckets/bench", "/v1/buckets/bench/collections/values"):
        client.send("PUT", path, b"{}")
    headers: dict[str, str] = {}
    for number in [*range(page * 2), 7]:
        body = json.dumps({"data": {"value": json.loads(value)}}).encode()
        status, headers, text = client.send("PUT", f"{_RECORDS}/user-{number:08}", body)
        if status not in {200, 201}:
            raise SystemExit(f"Kinto rejected a record: {status} {text!r}")
    return {name.lower(): header for name, header in headers.items()}["etag"]


def _timed(send: Any, requests: int) -> Json:
    walls = []
    cpu = time.process_time()
    for _ in range(requests):
        started = time.perf_counter()
        send()
        walls.append((time.perf_counter() - started) * 1000)
    return {"wall_ms": statistics.median(walls), "cpu_ms": (time.process_time() - cpu) / requests * 1000}


main()
