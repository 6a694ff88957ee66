"""The routes of values: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kv_common.api_keys import Scope
from kv_common.http import Api, Request, Response, json_response
from kv_service.gate import Gate, Operation
from kv_service.presentation import show_limits
from kv_service.values import presentation as show
from kv_service.values import reading as read

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_service.bootstrap import Kv

GET = Operation("get", frozenset({Scope.READ}))
PUT = Operation("put", frozenset({Scope.WRITE}))
PATCH = Operation("patch", frozenset({Scope.WRITE}))
INCREMENT = Operation("increment", frozenset({Scope.WRITE}))
DELETE = Operation("delete", frozenset({Scope.DELETE}))
LIST = Operation("list", frozenset({Scope.LIST}))


def add_values(app: Api, kv: Callable[[], Kv]) -> None:
    """Add the routes to `app`; `kv` returns their dependencies, bound when the first request comes."""
    gate = cache(lambda: Gate(kv()))

    @app.route("/v1/{namespace}/{key}", methods=["GET"])
    def get_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            GET,
            parse=lambda: read.read_get(request, key),
            run=lambda space, command: show.show_value(command, kv().values.get(space, command)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["HEAD"])
    def head_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            GET,
            parse=lambda: read.read_head(request, key),
            run=lambda space, command: show.show_head(command, kv().values.head(space, command)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["PUT"])
    def put_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            PUT,
            parse=lambda: read.read_put(request, key),
            run=lambda space, command: show.show_written(kv().values.write(space, command)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["PATCH"])
    def patch_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            PATCH,
            parse=lambda: read.read_patch(request, key),
            run=lambda space, command: show.show_written(kv().values.write(space, command)),
        )

    @app.route("/v1/{namespace}/{key}/increment", methods=["POST"])
    def increment_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            INCREMENT,
            parse=lambda: read.read_increment(request, key),
            run=lambda space, command: show.show_sum(kv().values.write(space, command)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["DELETE"])
    def delete_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            DELETE,
            parse=lambda: read.read_delete(request, key),
            run=lambda space, command: show.show_written(kv().values.write(space, command)),
        )

    @app.route("/v1/{namespace}", methods=["GET"])
    def list_keys(request: Request, namespace: str) -> Response:
        return gate().serve(
            request,
            namespace,
            LIST,
            parse=lambda: read.read_page(request),
            run=lambda space, page: show.show_page(page, kv().values.page(space, page)),
        )

    @app.route("/v1/limits", methods=["GET"])
    def get_limits(request: Request) -> Response:
        request.query(allowed=())
        return json_response(show_limits(gate().look(request)))
