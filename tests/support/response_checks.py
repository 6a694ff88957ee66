"""Compare a response of the API with the model's outcome, and return what the model has to learn from it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.support.model import READS, Entry, is_spelled

if TYPE_CHECKING:
    from tests.support.model import Operation, Outcome
    from tests.support.requests import Response

_CODES = {404: "NOT_FOUND", 409: "CONFLICT", 412: "PRECONDITION_FAILED"}
_ETAG = re.compile(r'"[A-Za-z0-9]{12}"')


def require_match(response: Response, outcome: Outcome, operation: Operation) -> dict[str, Any]:
    """Raise AssertionError if the response differs from the outcome; return what only the service knows."""
    _require_status(response, outcome, operation)
    entry = outcome.entry
    if entry is None:
        return {}
    learned: dict[str, Any] = {"etag": _etag(response, entry if operation.op in READS else None)}
    if response.headers:
        _require_headers(response, entry, operation)
    if outcome.shown is not None:
        text = response.members["value"]
        assert is_spelled(text, outcome.shown), (text, outcome.shown)
        if operation.op == "get" and operation.fields is None:
            assert entry.size == len(text.encode())
            learned["value"] = text
    described = {name: text for name, text in response.members.items() if name not in ("status", "etag", "value")}
    if described or operation.op not in READS:
        # Only the service knows the size of a patched value.
        assert described == description(operation.key, entry) | {"size": described["size"]}
        assert entry.size in (None, int(described["size"]))
        learned["size"] = int(described["size"])
    return learned


def description(key: str, entry: Entry, *, metadata: bool = True) -> dict[str, str]:
    """Return a key's description as the text of each field; an unknown size is omitted."""
    described = {"key": f'"{key}"', "created_at": _quoted(entry.created_ms), "updated_at": _quoted(entry.updated_ms)}
    if entry.size is not None:
        described["size"] = str(entry.size)
    if entry.expires_s is not None:
        described["expires_at"] = _quoted(entry.expires_s * 1000)
    if metadata and entry.metadata is not None:
        described["metadata"] = entry.metadata
    return described


def _require_status(response: Response, outcome: Outcome, operation: Operation) -> None:
    assert response.status == outcome.status, response
    if operation.op == "head":
        # A response to HEAD has no body, not even for an error.
        assert response.members == {}
    elif response.status >= 400:
        assert (response.error["code"], response.reason) == (f'"{_CODES[response.status]}"', outcome.reason), response


def _etag(response: Response, entry: Entry | None) -> str:
    """Return the response's ETag; it must be the entry's, if there is one."""
    etag = response.etag
    assert etag is not None
    assert _ETAG.fullmatch(etag)
    assert entry is None or entry.etag == etag
    return etag


def _require_headers(response: Response, entry: Entry, operation: Operation) -> None:
    headers = response.headers
    assert headers["Last-Modified"] == formatdate(entry.updated_ms // 1000, usegmt=True)
    expires = None if entry.expires_s is None else _timestamp(entry.expires_s * 1000)
    assert headers.get("X-Expires-At") == expires
    if operation.op not in READS or response.status != 200:
        return
    size = str(entry.size) if operation.op == "head" else None
    assert headers.get("X-Value-Size") == size
    metadata = headers.get("X-Metadata")
    assert (metadata is None) == (entry.metadata is None)
    if metadata is not None and entry.metadata is not None:
        assert metadata.isascii()
        assert json.loads(metadata) == json.loads(entry.metadata)


def _timestamp(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def _quoted(milliseconds: int) -> str:
    return f'"{_timestamp(milliseconds)}"'
