"""How answers about values look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kv_common.clock import http_date, timestamp
from kv_common.errors import AppError
from kv_common.http import Response, json_response, no_content
from kv_common.json import edit as json_text
from kv_service.values.commands import Get, Increment, WriteResult, not_modified
from kv_service.values.model import Version
from kv_service.values.planning import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kv_service.values.commands import Command
    from kv_service.values.pages import Page, PageRequest
    from kv_service.values.planning import Outcome


def show_value(command: Get, version: Version) -> Response:
    """RecordedAnswer with the value, byte for byte as it was stored, or with the members of it that were asked for."""
    if not_modified(command, version):
        return Response(304, "", validators(version))
    text = picked(command, version)
    return Response(200, f'{{"value":{text}}}', {**validators(version), **_metadata(version)})


def show_head(command: Get, version: Version) -> Response:
    """RecordedAnswer with headers only."""
    if not_modified(command, version):
        return Response(304, "", validators(version))
    headers = {**validators(version), **_metadata(version), "X-Value-Size": str(version.size)}
    return Response(200, "", headers)


def show_written(written: WriteResult) -> Response:
    """Return 201 for a new value, 200 for a changed one and 204 for a deleted one."""
    if written.version is None:
        return no_content()
    status = 201 if written.created else 200
    return json_response(describe(written.version, metadata=True), status, validators(written.version))


def show_sum(written: WriteResult) -> Response:
    """RecordedAnswer with an integer and what is known about its key."""
    if written.version is None:
        return no_content()
    body = {"value": value_of(written.version), **describe(written.version, metadata=True)}
    return json_response(body, 200, validators(written.version))


def done(outcome: Outcome) -> WriteResult:
    """Return what a write has left, or raise why it was refused."""
    match outcome:
        case WriteResult():
            return outcome
        case AppError():
            raise outcome
        case _:
            raise TypeError(outcome)


def show_batch(operations: Sequence[Command], outcomes: Sequence[Outcome]) -> Response:
    """RecordedAnswer with what became of each operation, in their order."""
    results = [_result(one, outcome) for one, outcome in zip(operations, outcomes, strict=True)]
    return json_response({"results": results})


def show_page(request: PageRequest, page: Page) -> Response:
    """RecordedAnswer with a page of keys; without a cursor it is the last."""
    keys = [describe(version, metadata=request.metadata) for version in page.keys]
    if request.metadata:
        for shown, version in zip(keys, page.keys, strict=True):
            shown["etag"] = quoted(version)
    body: dict[str, object] = {"keys": keys}
    if page.cursor is not None:
        body["cursor"] = page.cursor
    return json_response(body)


def _result(command: Command, outcome: Outcome) -> dict[str, object]:
    match outcome:
        case AppError():
            error = shown(outcome)
            return {"status": error.pop("status"), "error": error}
        case WriteResult(None):
            return {"status": 204}
        case WriteResult(Version() as version):
            # An integer that begins is a sum like any other.
            status = 201 if outcome.created and not isinstance(command, Increment) else 200
            return {
                "status": status,
                "etag": quoted(version),
                **_sum(command, version),
                **describe(version, metadata=True),
            }
        case Version() as version:
            return _found(command, version)
    raise TypeError(outcome)


def _sum(command: Command, version: Version) -> dict[str, object]:
    return {"value": value_of(version)} if isinstance(command, Increment) else {}


def _found(command: Command, version: Version) -> dict[str, object]:
    if not isinstance(command, Get):
        raise TypeError(command)
    if not_modified(command, version):
        return {"status": 304, "etag": quoted(version)}
    value = msgspec.Raw(picked(command, version).encode())
    return {"status": 200, "etag": quoted(version), "value": value, **describe(version, metadata=True)}


def describe(version: Version, *, metadata: bool) -> dict[str, object]:
    """Return what is known about a key as the API shows it, with its metadata if there is some."""
    shown: dict[str, object] = {
        "key": version.key,
        "size": version.size,
        "created_at": timestamp(version.created_at_ms),
        "updated_at": timestamp(version.updated_at_ms),
    }
    if version.expires_at_s is not None:
        shown["expires_at"] = timestamp(version.expires_at_s * 1000)
    if metadata and version.metadata is not None:
        shown["metadata"] = msgspec.Raw(version.metadata.encode())
    return shown


def picked(command: Get, version: Version) -> str:
    """Return the text that the caller asked for: all of it, or the members that were named."""
    text = version.text or ""
    return json_text.pick(text.encode(), command.fields).decode() if command.fields else text


def value_of(version: Version) -> msgspec.Raw:
    """Return a version's text as a member of an answer."""
    return msgspec.Raw((version.text or "").encode())


def quoted(version: Version) -> str:
    """Return a version's ETag as headers have it."""
    return f'"{version.etag}"'


def validators(version: Version) -> dict[str, str]:
    """Return the headers that identify a version and say when it expires."""
    headers = {"ETag": quoted(version), "Last-Modified": http_date(version.updated_at_ms // 1000)}
    if version.expires_at_s is not None:
        headers["X-Expires-At"] = timestamp(version.expires_at_s * 1000)
    return headers


def _metadata(version: Version) -> dict[str, str]:
    return {} if version.metadata is None else {"X-Metadata": json_text.ascii_only(version.metadata)}
