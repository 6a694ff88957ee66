"""kv's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from kv_common import VERSION, names, strict_json
from kv_common.admission.redis_limiter import LimiterUnavailable
from kv_common.api_keys import Scope
from kv_common.errors import Unavailable
from kv_common.http import Api, Request, Response, account_of_bearer, json_response, no_content
from kv_service.bootstrap import Kv, bootstrap
from kv_service.domain import EMPTY, NamespaceStatus
from kv_service.gate import Gate, Operation
from kv_service.presentation import (
    read_key,
    read_page,
    read_put,
    show_head,
    show_namespace,
    show_page,
    show_put,
    show_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from kv_service.domain import Space

GET = Operation("get", Scope.READ)
PUT = Operation("put", Scope.WRITE)
DELETE = Operation("delete", Scope.DELETE)
LIST = Operation("list", Scope.LIST)


class NewNamespace(msgspec.Struct):
    """The body that makes a namespace."""

    name: str


def create_app(make: Callable[[], Kv] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("kv")
    kv = cache(make)
    _add_values(app, kv)
    _add_namespaces(app, kv)
    _add_health(app, kv)
    return app


def _add_values(app: Api, kv: Callable[[], Kv]) -> None:
    gate = cache(lambda: Gate(kv()))

    @app.route("/v1/{namespace}/{key}", methods=["GET"])
    def get_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            GET,
            parse=lambda: read_key(request, key),
            run=lambda space, key: show_value(kv().values.get(space, key)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["HEAD"])
    def head_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            GET,
            parse=lambda: read_key(request, key),
            run=lambda space, key: show_head(kv().values.head(space, key)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["PUT"])
    def put_value(request: Request, namespace: str, key: str) -> Response:
        return gate().serve(
            request,
            namespace,
            PUT,
            parse=lambda: read_put(request, key),
            run=lambda space, new: show_put(kv().values.put(space, new)),
        )

    @app.route("/v1/{namespace}/{key}", methods=["DELETE"])
    def delete_value(request: Request, namespace: str, key: str) -> Response:
        def run(space: Space, key: str) -> Response:
            kv().values.delete(space, key)
            return no_content()

        return gate().serve(request, namespace, DELETE, parse=lambda: read_key(request, key), run=run)

    @app.route("/v1/{namespace}", methods=["GET"])
    def list_keys(request: Request, namespace: str) -> Response:
        return gate().serve(
            request,
            namespace,
            LIST,
            parse=lambda: read_page(request),
            run=lambda space, page: show_page(kv().values.page(space, page)),
        )


def _add_namespaces(app: Api, kv: Callable[[], Kv]) -> None:
    @app.route("/v1/namespaces", methods=["POST"])
    def create_namespace(request: Request) -> Response:
        account_id = _owner(request, kv())
        name = names.namespace(strict_json.decode_object(request.body, NewNamespace).name)
        created = kv().namespaces.create(account_id, name, correlation_id=request.correlation_id)
        return json_response(show_namespace(created, EMPTY), 201)

    @app.route("/v1/namespaces", methods=["GET"])
    def list_namespaces(request: Request) -> Response:
        account_id = _owner(request, kv())
        return json_response({"namespaces": [show_namespace(*one) for one in kv().namespaces.all(account_id)]})

    @app.route("/v1/namespaces/{namespace}", methods=["GET"])
    def get_namespace(request: Request, namespace: str) -> Response:
        account_id = _owner(request, kv())
        return json_response(show_namespace(*kv().namespaces.get(account_id, names.namespace(namespace))))

    @app.route("/v1/namespaces/{namespace}", methods=["DELETE"])
    def delete_namespace(request: Request, namespace: str) -> Response:
        account_id = _owner(request, kv())
        kv().namespaces.delete(account_id, names.namespace(namespace), correlation_id=request.correlation_id)
        return json_response({"name": namespace, "status": NamespaceStatus.DELETING}, 202)


def _add_health(app: Api, kv: Callable[[], Kv]) -> None:
    @app.route("/v1/health/kv", methods=["GET"])
    def health(request: Request) -> Response:
        request.query(allowed=())
        checks = {"redis": _answers(kv().limiter.ping), "dynamodb": _answers(kv().service.check)}
        # Without Redis the service goes on with limits per process; without its table it cannot.
        serving = checks["dynamodb"]
        state = "ok" if all(checks.values()) else "degraded" if serving else "down"
        shown = {name: "ok" if up else "down" for name, up in checks.items()}
        body = {"service": "kv", "version": VERSION, "status": state, "dependencies": shown}
        return json_response(body, 200 if serving else 503)


def _owner(request: Request, kv: Kv) -> str:
    """Return the account whose session the request belongs to."""
    account_id = account_of_bearer(request, kv.verify_token)
    request.query(allowed=())
    return account_id


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except (LimiterUnavailable, Unavailable):
        return False
    return True
