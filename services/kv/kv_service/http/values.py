"""The routes of values: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kv_common.api_keys import Scope
from kv_common.http import Api, Request, Response, json_response
from kv_service.http import value_requests as read
from kv_service.http import value_responses as show
from kv_service.http.authorization import Authorizer, Operation
from kv_service.http.batch_requests import read_batch
from kv_service.http.presentation import show_limits
from kv_service.values.idempotency import read_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kv_service.container import Kv
    from kv_service.http.batch_requests import Batch
    from kv_service.namespaces.model import NamespaceRef
    from kv_service.values.commands import Write, WriteResult
    from kv_service.values.idempotency import IdempotencyKey
    from kv_service.values.planning import Outcome

GET = Operation("get", frozenset({Scope.READ}))
PUT = Operation("put", frozenset({Scope.WRITE}))
PATCH = Operation("patch", frozenset({Scope.WRITE}))
INCREMENT = Operation("increment", frozenset({Scope.WRITE}))
DELETE = Operation("delete", frozenset({Scope.DELETE}))
BATCH = Operation("batch", frozenset())
LIST = Operation("list", frozenset({Scope.LIST}))


def add_values(app: Api, kv: Callable[[], Kv]) -> None:
    """Add the routes to `app`; `kv` returns their dependencies, bound when the first request comes."""
    gate = cache(lambda: Authorizer(kv()))
    _add_reads(app, kv, gate)
    _add_writes(app, kv, gate)
    _add_batch(app, kv, gate)


def _add_reads(app: Api, kv: Callable[[], Kv], gate: Callable[[], Authorizer]) -> None:
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


def _add_writes(app: Api, kv: Callable[[], Kv], gate: Callable[[], Authorizer]) -> None:
    def write(
        request: Request,
        namespace: str,
        operation: Operation,
        parse: Callable[[], Write],
        shown: Callable[[WriteResult], Response],
    ) -> Response:
        """Do what the request asks for, once where it says so."""

        def run(space: NamespaceRef, asked: tuple[Write, IdempotencyKey | None]) -> Response:
            command, once = asked
            if once is None:
                return shown(kv().values.write(space, command))

            def show_only(outcomes: Sequence[Outcome]) -> Response:
                return shown(show.done(outcomes[0]))

            return kv().together.at_once(space, [command], show_only, atomic=False, once=once)

        return gate().serve(request, namespace, operation, parse=lambda: (parse(), read_once(request)), run=run)

    @app.route("/v1/{namespace}/{key}", methods=["PUT"])
    def put_value(request: Request, namespace: str, key: str) -> Response:
        return write(request, namespace, PUT, lambda: read.read_put(request, key), show.show_written)

    @app.route("/v1/{namespace}/{key}", methods=["PATCH"])
    def patch_value(request: Request, namespace: str, key: str) -> Response:
        return write(request, namespace, PATCH, lambda: read.read_patch(request, key), show.show_written)

    @app.route("/v1/{namespace}/{key}/increment", methods=["POST"])
    def increment_value(request: Request, namespace: str, key: str) -> Response:
        return write(request, namespace, INCREMENT, lambda: read.read_increment(request, key), show.show_sum)

    @app.route("/v1/{namespace}/{key}", methods=["DELETE"])
    def delete_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            DELETE,
            parse=lambda: read.read_delete(request, key),
            run=lambda space, command: show.show_written(kv().values.write(space, command)),
        )


def _add_batch(app: Api, kv: Callable[[], Kv], gate: Callable[[], Authorizer]) -> None:
    @app.route("/v1/{namespace}/batch", methods=["POST"])
    def do_batch(request: Request, namespace: str) -> Response:
        def run(space: NamespaceRef, asked: tuple[Batch, IdempotencyKey | None]) -> Response:
            batch, once = asked
            if not batch.atomic and once is None:
                return show.show_batch(batch.operations, kv().together.each(space, batch.operations))
            return kv().together.at_once(
                space,
                batch.operations,
                lambda outcomes: show.show_batch(batch.operations, outcomes),
                atomic=batch.atomic,
                once=once,
            )

        return gate().serve(
            request,
            namespace,
            BATCH,
            parse=lambda: read_batch(request),
            run=run,
            priced=lambda asked: replace(BATCH, scopes=asked[0].scopes, cost=len(asked[0].operations)),
        )
