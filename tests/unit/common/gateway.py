"""Events of API Gateway and Function URLs, and errors in responses."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_EVENTS = Path(__file__).parent / "events"


def load(name: str, **changes: Any) -> dict[str, Any]:
    """Return the event in `events/<name>.json` with changed top-level fields."""
    event: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text("utf-8"))
    return {**event, **changes}


def event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    base: str = "function_url_get",
) -> dict[str, Any]:
    """Return a Function URL's request to `path`, which has no route."""
    made = copy.deepcopy(load(base))
    made["rawPath"] = made["requestContext"]["http"]["path"] = path
    made["requestContext"]["http"]["method"] = method
    made["rawQueryString"] = query
    made["headers"].update(headers or {})
    if body is not None:
        made["body"] = body
        made["headers"].setdefault("content-length", str(len(body.encode("utf-8", "surrogatepass"))))
    return made


@dataclass(frozen=True)
class Context:
    """The used part of Lambda's context."""

    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def error_of(response: dict[str, Any]) -> dict[str, Any]:
    """Return the error in a response that contains nothing else."""
    assert response["headers"]["Content-Type"] == "application/json"
    body = json.loads(response["body"])
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert error["correlation_id"] == response["headers"]["X-Correlation-Id"]
    return error
