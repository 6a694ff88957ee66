"""The API's own documents, public and the same for everyone: what `make docs` makes of all services' routes."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kv_common.http import Response
from kv_service.http.value_requests import read_precondition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kv_common.http import Api, Request

FOLDER = Path(__file__).with_name("public")
OPENAPI, PAGE = "openapi.json", "docs.html"
_METHODS = ("get", "head", "post", "put", "patch", "delete")


def add_documents(app: Api) -> None:
    """Add the routes to the application."""

    @app.route("/v1/openapi.json", methods=["GET"])
    def show_openapi(request: Request) -> Response:
        return _show(request, OPENAPI, {})

    @app.route("/v1/docs", methods=["GET"])
    def show_docs(request: Request) -> Response:
        return _show(request, PAGE, _page_headers())


@cache
def methods_of_routes() -> Mapping[str, list[str]]:
    """Return the methods that each path of the API takes, whichever service it belongs to."""
    paths: dict[str, dict[str, object]] = json.loads(_text(OPENAPI))["paths"]
    return {path: [name.upper() for name in _METHODS if name in taken] for path, taken in paths.items()}


def _show(request: Request, name: str, headers: Mapping[str, str]) -> Response:
    """RecordedAnswer with a document, or with nothing when the caller has this one already."""
    request.query(allowed=())
    text = _text(name)
    etag = hashlib.sha256(text.encode()).hexdigest()[:32]
    validators = {"ETag": f'"{etag}"', "Cache-Control": "public, max-age=300"}
    precondition = read_precondition(request)
    if precondition.if_none_match is not None and not precondition.holds(etag):
        return Response(304, "", validators)
    precondition.require(etag)
    return Response(200, text, {**validators, **headers})


@cache
def _text(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


@cache
def _page_headers() -> dict[str, str]:
    style = _text(PAGE).partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Type": "text/html; charset=utf-8",
        # The page may show itself, and nothing else: no script, no image, no other page around it.
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'none'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
    }
