"""How requests for values are read and how answers look."""

from __future__ import annotations

from email.utils import formatdate

from kv_common import names
from kv_common.errors import ValidationError
from kv_common.http import Request, Response, json_response
from kv_common.times import timestamp
from kv_service.domain import (
    Holdings,
    KeyInfo,
    Namespace,
    NewValue,
    Page,
    PageRequest,
    Stored,
    Value,
    page_limit,
    value_text,
)

# Answering as if they had not been sent would break the promise that the caller relies on.
_UNSUPPORTED = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "idempotency-key")


def read_key(request: Request, key: str) -> str:
    """Return the key of a request that has no body and no parameters."""
    _refuse_unsupported(request)
    request.query(allowed=())
    return names.key(key)


def read_put(request: Request, key: str) -> NewValue:
    """Return what a PUT stores."""
    return NewValue(read_key(request, key), value_text(request.body))


def read_page(request: Request) -> PageRequest:
    """Return what a list asks for."""
    _refuse_unsupported(request)
    query = request.query(allowed=("prefix", "limit", "cursor"))
    return PageRequest(
        prefix=names.key_prefix(query.get("prefix", "")),
        limit=page_limit(query.get("limit")),
        cursor=query.get("cursor"),
    )


def show_value(value: Value) -> Response:
    """Answer with the value, byte for byte as it was stored."""
    return Response(200, f'{{"value":{value.text}}}', _validators(value.etag, value.info))


def show_head(value: Value) -> Response:
    """Answer with headers only."""
    return Response(200, "", {**_validators(value.etag, value.info), "X-Value-Size": str(value.info.size)})


def show_put(stored: Stored) -> Response:
    """Answer 201 for a new value and 200 for a replaced one."""
    return json_response(_show_key(stored.info), 201 if stored.created else 200, _validators(stored.etag, stored.info))


def show_page(page: Page) -> Response:
    """Answer with a page of keys; without a cursor it is the last."""
    body: dict[str, object] = {"keys": [_show_key(info) for info in page.keys]}
    if page.cursor is not None:
        body["cursor"] = page.cursor
    return json_response(body)


def show_namespace(namespace: Namespace, holdings: Holdings) -> dict[str, object]:
    """Return a namespace as the API shows it."""
    return {
        "name": namespace.name,
        "status": namespace.status,
        "created_at": timestamp(namespace.created_at_ms),
        "keys": holdings.keys,
        "bytes": holdings.bytes,
    }


def _show_key(info: KeyInfo) -> dict[str, object]:
    return {
        "key": info.key,
        "size": info.size,
        "created_at": timestamp(info.created_at_ms),
        "updated_at": timestamp(info.updated_at_ms),
    }


def _validators(etag: str, info: KeyInfo) -> dict[str, str]:
    return {"ETag": f'"{etag}"', "Last-Modified": formatdate(info.updated_at_ms // 1000, usegmt=True)}


def _refuse_unsupported(request: Request) -> None:
    for name in _UNSUPPORTED:
        if request.header(name) is not None:
            raise ValidationError(f"The header {name} is not supported here.", details={"header": name})
