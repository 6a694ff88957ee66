"""kv's routes: parse, one call, respond."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from kv_common import VERSION, identifiers
from kv_common.errors import Unavailable
from kv_common.http import Api, Request, Response, json_response
from kv_common.json import strict as strict_json
from kv_common.redis import RedisUnavailable
from kv_service.container import Kv, bootstrap
from kv_service.http.authorization import owner_of
from kv_service.http.jobs import add_transfers
from kv_service.http.openapi import add_documents, methods_of_routes
from kv_service.http.presentation import show_namespace
from kv_service.http.values import add_values
from kv_service.namespaces.model import EMPTY, NamespaceStatus

if TYPE_CHECKING:
    from collections.abc import Callable


class NewNamespace(msgspec.Struct):
    """The body that makes a namespace."""

    name: str


def create_app(make: Callable[[], Kv] = bootstrap) -> Api:
    """Return the service's application; `make` binds its dependencies when the first request comes."""
    app = Api("kv", every_route=methods_of_routes)
    kv = cache(make)
    add_values(app, kv)
    _add_namespaces(app, kv)
    add_transfers(app, kv)
    _add_health(app, kv)
    add_documents(app)
    return app


def _add_namespaces(app: Api, kv: Callable[[], Kv]) -> None:
    @app.route("/v1/namespaces", methods=["POST"])
    def create_namespace(request: Request) -> Response:
        account_id = owner_of(request, kv())
        name = identifiers.namespace(strict_json.decode_object(request.body, NewNamespace).name)
        created = kv().namespaces.create(account_id, name, correlation_id=request.correlation_id)
        return json_response(show_namespace(created, EMPTY), 201)

    @app.route("/v1/namespaces", methods=["GET"])
    def list_namespaces(request: Request) -> Response:
        account_id = owner_of(request, kv())
        return json_response({"namespaces": [show_namespace(*one) for one in kv().namespaces.all(account_id)]})

    @app.route("/v1/namespaces/{namespace}", methods=["GET"])
    def get_namespace(request: Request, namespace: str) -> Response:
        account_id = owner_of(request, kv())
        return json_response(show_namespace(*kv().namespaces.get(account_id, identifiers.namespace(namespace))))

    @app.route("/v1/namespaces/{namespace}", methods=["DELETE"])
    def delete_namespace(request: Request, namespace: str) -> Response:
        account_id = owner_of(request, kv())
        kv().namespaces.delete(account_id, identifiers.namespace(namespace), correlation_id=request.correlation_id)
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


def _answers(check: Callable[[], None]) -> bool:
    try:
        check()
    except (RedisUnavailable, Unavailable):
        return False
    return True
