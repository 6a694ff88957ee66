"""Measures Kinto from inside, in an environment of its own: `python kinto_probe.py`, never imported.

It takes one JSON object on standard input: `settings` of Kinto, `value`, `page`, `turns` and `requests`. It calls the
WSGI application directly, as our handler is called, with the same operations: a value by its key read, replaced and
read if it has changed, a page of values, a value deleted. It answers with the times of each by turn, in milliseconds.
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


class Site:
    """A WSGI application, and a client that is in the same process."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return the status, the headers and the whole body."""
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
        answered: list[Any] = []
        chunks = self._application(environment, lambda status, headers, _=None: answered.extend((status, headers)))
        text = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        return int(answered[0].split()[0]), dict(answered[1]), text


def main() -> None:
    """Fill a collection and measure."""
    told = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    from kinto import main as kinto
    from kinto.authorization import RouteFactory
    from kinto.core.scripts import migrate
    from pyramid.config import Configurator

    config = Configurator(settings=told["settings"], root_factory=RouteFactory)
    kinto({"command": "migrate"}, config=config)
    migrate({"registry": config.registry})
    site = Site(kinto({}, **told["settings"]))
    etag = _fill(site, told["value"], told["page"])
    body = json.dumps({"data": {"value": json.loads(told["value"])}}).encode()
    operations: dict[str, tuple[int, Any]] = {
        "get": (200, lambda: site.ask("GET", f"{_RECORDS}/user-00000042")),
        "put": (200, lambda: site.ask("PUT", f"{_RECORDS}/user-00000042", body)),
        "list": (200, lambda: site.ask("GET", f"{_RECORDS}?_limit={told['page']}&_fields=id,last_modified")),
        "not_modified": (304, lambda: site.ask("GET", f"{_RECORDS}/user-00000007", if_none_match=etag)),
    }
    found: dict[str, list[Json]] = {name: [] for name in operations}
    for name, (status, ask) in operations.items():
        for _ in range(20):
            if (answer := ask())[0] != status:
                raise SystemExit(f"Kinto answers {name} with {answer[0]}: {answer[2]!r}")
    for _ in range(told["turns"]):
        for name, (_, ask) in operations.items():
            found[name].append(_timed(ask, told["requests"]))
    json.dump({"version": metadata.version("kinto"), "operations": found}, sys.stdout)


def _fill(site: Site, value: str, page: int) -> str:
    """Make the collection and more records than a page has; return the ETag of one."""
    for path in ("/v1/buckets/bench", "/v1/buckets/bench/collections/values"):
        site.ask("PUT", path, b"{}")
    headers: dict[str, str] = {}
    for number in [*range(page * 2), 7]:
        body = json.dumps({"data": {"value": json.loads(value)}}).encode()
        status, headers, text = site.ask("PUT", f"{_RECORDS}/user-{number:08}", body)
        if status not in {200, 201}:
            raise SystemExit(f"Kinto takes no record: {status} {text!r}")
    return {name.lower(): header for name, header in headers.items()}["etag"]


def _timed(ask: Any, requests: int) -> Json:
    walls = []
    cpu = time.process_time()
    for _ in range(requests):
        started = time.perf_counter()
        ask()
        walls.append((time.perf_counter() - started) * 1000)
    return {"wall_ms": statistics.median(walls), "cpu_ms": (time.process_time() - cpu) / requests * 1000}


main()
